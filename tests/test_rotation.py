"""Changing the key that the database is encrypted with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.app import rotate_secrets, rotation
from bridge.app.keys import key_problems
from bridge.app.opening import open_database
from bridge.clock import SystemClock
from bridge.errors import ConfigurationError, StoreError
from bridge.notifiers.callback import CallbackDestination
from bridge.registry.destinations import make_row, unseal
from bridge.secrets import SecretBox
from bridge.settings import Settings
from bridge.signing import new_secret
from bridge.store import destinations, read_callbacks
from tests.harness import bridge_settings, serving
from tests.parts import allow, database_url, forbid, kind, signed_by, sql
from tests.receiver import Receiver
from tests.servers import http_client, running_server, running_simulator

__all__ = ["kind"]

# What goes through tables in the same way is tried on one of them.
sqlite_alone = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

OLD = "the old key  of thirty-two characters"
NEW = "the new key of  thirty-two characters"
OTHER = "quite another key of forty characters"
NOWHERE = "http://127.0.0.1:9/v1"


def settings_with(folder: Path, *keys: str, base_url: str = NOWHERE) -> Settings:
    url = database_url(folder)
    return bridge_settings(folder, base_url, BRIDGE_DATABASE_URL=url, BRIDGE_SECRET_KEY=",".join(keys))


async def filled(folder: Path, number: int = 5) -> None:
    """A database with so many destinations, served with the old key."""
    async with AsyncExitStack() as stack:
        opened = await open_database(settings_with(folder, OLD), SystemClock(), stack)
        async with opened.database.write() as tx:
            for each in range(number):
                body = CallbackDestination(kind="callback", url=f"https://example.com/{each}?token=t0ken")
                row = make_row(opened.box, body, origin="stored", created_by=None, now=1.0, name=f"number-{each}")
                await destinations.add(tx, row)


def key_ids(folder: Path) -> dict[str, int]:
    """How many destinations are encrypted with which key."""
    return dict(sql(folder, "SELECT config_key, count(*) FROM destinations GROUP BY config_key"))


async def starts(folder: Path, *keys: str) -> bool:
    """Whether a server starts with these keys, or says that they do not fit."""
    try:
        async with AsyncExitStack() as stack:
            await open_database(settings_with(folder, *keys), SystemClock(), stack)
            return True
    except ConfigurationError as error:
        return "BRIDGE_SECRET_KEY: the key does not fit the database" not in str(error)


def id_of(key: str) -> str:
    return SecretBox([key]).key_id


async def test_everything_is_encrypted_anew_and_the_old_key_is_needed_no_more(tmp_path: Path) -> None:
    await filled(tmp_path)
    done = await rotate_secrets(settings_with(tmp_path, NEW, OLD))
    assert (done.done, done.resealed, done.key_id) == (True, 6, id_of(NEW))  # five destinations and the pepper
    assert key_ids(tmp_path) == {id_of(NEW): 5}
    assert await starts(tmp_path, NEW)


@sqlite_alone
async def test_until_then_the_old_key_cannot_be_left_out(tmp_path: Path) -> None:
    await filled(tmp_path)
    assert [await starts(tmp_path, *keys) for keys in ([NEW], [NEW, OLD], [OLD])] == [False, True, True]


async def test_that_keys_do_not_fit_is_found_out_without_starting(tmp_path: Path) -> None:
    await filled(tmp_path)
    found = [
        await asyncio.to_thread(key_problems, settings_with(tmp_path, *keys)) for keys in ([NEW], [NEW, OLD], [OLD])
    ]
    assert [len(problems) for problems in found] == [1, 0, 0]
    assert "the key does not fit the database" in found[0][0]


async def test_callbacks_are_read_by_target_name_or_id_without_opening_the_database(tmp_path: Path) -> None:
    await filled(tmp_path)
    ((one, target),) = sql(tmp_path, "SELECT id, target FROM destinations WHERE name = 'number-3'")
    url = settings_with(tmp_path, OLD).database_url
    found = [await asyncio.to_thread(read_callbacks, url, word) for word in (one, target, "number-3", "number-9")]
    assert [[each.name for each in held] for held in found] == [["number-3"]] * 3 + [[]]
    assert unseal(SecretBox([OLD]), one, found[0][0].sealed)["url"] == "https://example.com/3?token=t0ken"


@sqlite_alone
async def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    await filled(tmp_path)
    for keys, resealed in (([NEW, OLD], 6), ([NEW, OLD], 0), ([NEW], 0)):
        assert (await rotate_secrets(settings_with(tmp_path, *keys))).resealed == resealed


@sqlite_alone
async def test_nothing_of_the_old_key_is_left_in_the_file(tmp_path: Path, kind: str) -> None:
    await filled(tmp_path, 20)
    await rotate_secrets(settings_with(tmp_path, NEW, OLD))
    rows = sql(tmp_path, "SELECT config FROM destinations UNION ALL SELECT value FROM settings")
    held = b"".join([bytes(row[0]) for row in rows] + [file.read_bytes() for file in tmp_path.glob("bridge.db*")])
    assert f"{id_of(NEW)}:".encode() in held
    assert f"{id_of(OLD)}:".encode() not in held


async def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    await filled(tmp_path)
    ids = sorted(row[0] for row in sql(tmp_path, "SELECT id FROM destinations"))
    forbid(tmp_path, f"UPDATE ON destinations WHEN (old.id = '{ids[3]}')")
    with pytest.raises(StoreError):
        await rotate_secrets(settings_with(tmp_path, NEW, OLD))
    allow(tmp_path)
    assert key_ids(tmp_path) == {id_of(NEW): 2, id_of(OLD): 3}
    assert [await starts(tmp_path, *keys) for keys in ([NEW], [OLD], [NEW, OLD])] == [False, False, True]
    assert (await rotate_secrets(settings_with(tmp_path, NEW, OLD))).resealed == 4
    assert await starts(tmp_path, NEW)


@sqlite_alone
async def test_a_destination_whose_key_is_not_here_keeps_the_server_from_starting(tmp_path: Path) -> None:
    await filled(tmp_path)
    await rotate_secrets(settings_with(tmp_path, NEW, OLD))
    sql(tmp_path, f"UPDATE destinations SET config_key = '{id_of(OLD)}'")
    assert [await starts(tmp_path, *keys) for keys in ([NEW], [NEW, OLD])] == [False, True]


@sqlite_alone
async def test_what_no_key_opens_is_named_and_holds_up_nothing_else(tmp_path: Path) -> None:
    await filled(tmp_path)
    broken = sql(tmp_path, "SELECT id FROM destinations ORDER BY id")[1][0]
    sql(tmp_path, f"UPDATE destinations SET config = x'00ff' WHERE id = '{broken}'")
    done = await rotate_secrets(settings_with(tmp_path, NEW, OLD))
    assert (done.done, done.damaged, done.left, done.resealed) == (False, (broken,), 0, 5)


@sqlite_alone
async def test_keys_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    await filled(tmp_path)
    with pytest.raises(ConfigurationError, match="BRIDGE_SECRET_KEY: the key does not fit"):
        await rotate_secrets(settings_with(tmp_path, NEW, OTHER))
    assert key_ids(tmp_path) == {id_of(OLD): 5}


@sqlite_alone
async def test_where_nothing_was_stored_there_is_nothing_to_rotate(tmp_path: Path, kind: str) -> None:
    settings = bridge_settings(tmp_path, NOWHERE, BRIDGE_SECRET_KEY=NEW)
    with pytest.raises(ConfigurationError, match="holds nothing yet"):
        await rotate_secrets(settings)
    assert list(tmp_path.glob("bridge.db*")) == []


async def test_beside_a_running_server_it_works_on_postgresql_alone(tmp_path: Path, kind: str) -> None:
    await filled(tmp_path)
    settings = settings_with(tmp_path, NEW, OLD)
    async with serving(settings) as url, http_client(base_url=url) as client:
        if kind == "sqlite":
            with pytest.raises(ConfigurationError, match="another `video-bridge serve` is using"):
                await rotate_secrets(settings)
            return
        busy = asyncio.create_task(rotate_secrets(settings))
        while not busy.done():
            body = {"video_id": "w", "callback_url": "http://127.0.0.1:9/w"}
            assert (await client.post("/v1/watches", json=body)).status_code in (200, 201)
        assert (await busy).done
    assert set(key_ids(tmp_path)) == {id_of(NEW)}


async def test_a_server_that_lacks_the_new_key_names_the_remedy_until_it_is_started_with_it(
    tmp_path: Path, kind: str
) -> None:
    await filled(tmp_path, 1)
    ((name, sealed),) = sql(tmp_path, "SELECT id, config FROM destinations")
    fresh = SecretBox([NEW, OLD]).reseal(sealed, f"destinations.{name}")
    # What a rotation beside servers does, where the file lets nobody in beside one.
    rotated = f"UPDATE destinations SET config = x'{fresh.hex()}', config_key = '{id_of(NEW)}'"
    answers = []
    for keys in ([OLD], [NEW, OLD]):
        async with serving(settings_with(tmp_path, *keys)) as url, http_client(base_url=url) as client:
            if kind == "sqlite":
                await asyncio.to_thread(sql, tmp_path, rotated)
            else:
                await rotate_secrets(settings_with(tmp_path, NEW, OLD))
            answers.append(await client.post(f"/v1/destinations/{name}/rotate"))
    assert [answer.status_code for answer in answers] == [503, 200]
    assert (answers[0].json()["error"]["code"], answers[0].headers["retry-after"]) == ("key_missing", "5")
    assert "BRIDGE_SECRET_KEY" in answers[0].json()["error"]["message"]


@sqlite_alone
@pytest.mark.slow
async def test_after_it_and_without_the_old_key_deliveries_are_signed_as_before(tmp_path: Path) -> None:
    receiver, own = Receiver(), new_secret()
    async with running_simulator() as provider, running_server(receiver.app) as hook:
        provider.simulator.create("a cat", video_id="v")
        body = {"video_id": "v", "destinations": [{"kind": "callback", "url": hook, "secret": own}]}
        await _posted(settings_with(tmp_path, OLD, base_url=provider.base_url), "/v1/watches", body)
        await rotate_secrets(settings_with(tmp_path, NEW, OLD))
        provider.simulator.end("v")
        async with serving(settings_with(tmp_path, NEW, base_url=provider.base_url)):
            await receiver.wait_for(1)
    assert signed_by(receiver.received[0], own)


async def _posted(settings: Settings, path: str, body: Mapping[str, Any]) -> None:
    """Have a server take this, and stop it."""
    async with serving(settings) as url, http_client(base_url=url) as client:
        assert (await client.post(path, json=body)).status_code == 201
