"""The composition root: what keeps it from starting, and how it stops."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge import app
from bridge.app import open_bridge, serve
from bridge.app.collector import YOUNG
from bridge.errors import ConfigurationError
from bridge.models import DeliveryStatus, PageRequest, WatchStatus
from bridge.registry import DeliveryFilter, Registration
from bridge.simulator import Fault
from bridge.store import migrate
from tests.harness import bridge_settings, serving
from tests.receiver import Receiver
from tests.servers import http_client, running_server, running_simulator

NOWHERE = "http://127.0.0.1:9/v1"
KEY = "one key of thirty-two characters"
OTHER = "another key of more than thirty-two"


async def opened(folder: Path, **environ: str) -> None:
    """Open a bridge on the database in this folder, and close it."""
    async with open_bridge(bridge_settings(folder, NOWHERE, **environ)):
        pass


async def refused(folder: Path, **environ: str) -> str:
    """Why a bridge does not start."""
    with pytest.raises(ConfigurationError) as caught:
        await opened(folder, **environ)
    (problem,) = caught.value.problems
    return problem


# What keeps it from starting.


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(ConfigurationError, match=rf"BRIDGE_PORT.*127\.0\.0\.1, port {port}: .*in use"):
            await serve(bridge_settings(tmp_path, NOWHERE, BRIDGE_PORT=port), stop=asyncio.Event())
    assert list(tmp_path.iterdir()) == []


async def test_a_port_in_use_is_met_with_what_sets_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(ConfigurationError, match="choose another port with `--port` or BRIDGE_PORT"):
            await serve(bridge_settings(tmp_path, NOWHERE, BRIDGE_PORT=port), stop=asyncio.Event())


async def test_of_a_second_server_on_the_same_port_and_file_the_file_is_said_first(tmp_path: Path) -> None:
    async with serving(bridge_settings(tmp_path, NOWHERE)) as url:
        port = url.rpartition(":")[2]
        with pytest.raises(ConfigurationError) as caught:
            await serve(bridge_settings(tmp_path, NOWHERE, BRIDGE_PORT=port), stop=asyncio.Event())
    held, taken = caught.value.problems
    assert held.startswith("BRIDGE_DATABASE_URL: another `video-bridge serve` is using")
    assert taken.startswith("BRIDGE_HOST, BRIDGE_PORT: cannot listen")


async def test_what_a_server_made_at_its_start_is_left_alone_by_the_garbage_collector(tmp_path: Path) -> None:
    before = gc.get_threshold()
    try:
        gc.unfreeze()
        async with serving(bridge_settings(tmp_path, NOWHERE)):
            assert gc.get_freeze_count() > 0
            assert gc.get_threshold() == (YOUNG, *before[1:])
    finally:
        gc.set_threshold(*before)


async def test_a_lock_file_that_was_left_behind_holds_nobody(tmp_path: Path) -> None:
    await opened(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(ConfigurationError) as caught:
            await serve(bridge_settings(tmp_path, NOWHERE, BRIDGE_PORT=port), stop=asyncio.Event())
    assert len(caught.value.problems) == 1


async def test_a_second_server_on_the_same_file_does_not_start_and_leaves_the_first_alone(tmp_path: Path) -> None:
    async with serving(bridge_settings(tmp_path, NOWHERE)) as url:
        assert "BRIDGE_DATABASE_URL: another" in await refused(tmp_path)
        async with http_client() as client:
            assert (await client.get(f"{url}/readyz")).status_code == 200
    await opened(tmp_path)


async def test_a_second_server_is_refused_however_the_file_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "bridge.db").symlink_to(tmp_path / "bridge.db")
    async with open_bridge(bridge_settings(tmp_path, NOWHERE)):
        assert "another `video-bridge serve` is using" in await refused(tmp_path / "elsewhere")


async def test_a_database_that_was_only_migrated_gets_its_key_when_it_is_served(tmp_path: Path) -> None:
    settings = bridge_settings(tmp_path, NOWHERE)
    migrate(settings.database_url)
    async with open_bridge(settings):
        assert (tmp_path / "bridge.db.key").exists()


async def test_a_database_without_its_key_is_refused_and_no_new_key_is_made(tmp_path: Path) -> None:
    await opened(tmp_path)
    key_file = tmp_path / "bridge.db.key"
    key = key_file.read_text()
    key_file.unlink()
    problem = await refused(tmp_path)
    assert "BRIDGE_SECRET_KEY" in problem
    assert str(key_file) in problem
    assert not key_file.exists()
    await opened(tmp_path, BRIDGE_SECRET_KEY=key.strip())


async def test_the_wrong_key_is_refused(tmp_path: Path) -> None:
    await opened(tmp_path, BRIDGE_SECRET_KEY=KEY)
    assert "BRIDGE_SECRET_KEY: the key does not fit" in await refused(tmp_path, BRIDGE_SECRET_KEY=OTHER)
    assert "BRIDGE_SECRET_KEY" in await refused(tmp_path)
    await opened(tmp_path, BRIDGE_SECRET_KEY=f"{OTHER},{KEY}")


@pytest.mark.parametrize("content", [b"", b"too short", b"\xff" * 40])
async def test_a_key_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bridge.db.key").write_bytes(content)
    assert "BRIDGE_SECRET_KEY: the key file" in await refused(tmp_path)


@pytest.mark.parametrize("with_key", [True, False])
async def test_a_file_that_is_no_database_is_refused_as_such(tmp_path: Path, with_key: bool) -> None:
    (tmp_path / "bridge.db").write_bytes(b"holiday pictures " * 1000)
    if with_key:
        (tmp_path / "bridge.db.key").write_text(KEY)
    problem = await refused(tmp_path)
    assert problem.startswith("BRIDGE_DATABASE_URL: ")
    assert "not a database" in problem


def _someone_elses(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def _of_a_newer_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num TEXT); ")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "words"),
    [(_someone_elses, "another program"), (_of_a_newer_version, "newer version"), (_a_folder, "is a folder")],
)
async def test_a_database_that_is_not_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / "bridge.db")
    problem = await refused(tmp_path)
    assert problem.startswith("BRIDGE_DATABASE_URL: ")
    assert words in problem
    assert not (tmp_path / "bridge.db.key").exists()


async def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    problem = await refused(tmp_path / "tpyo")
    assert "BRIDGE_DATABASE_URL" in problem
    assert "tpyo does not exist" in problem
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/proc", "/dev/null"])
async def test_a_folder_that_cannot_be_written_is_named(folder: str) -> None:
    problem = await refused(Path(folder))
    assert problem.startswith("BRIDGE_DATABASE_URL: ")
    assert folder in problem


async def test_after_a_refused_start_the_file_is_free_again(tmp_path: Path) -> None:
    await opened(tmp_path, BRIDGE_SECRET_KEY=KEY)
    await refused(tmp_path, BRIDGE_SECRET_KEY=OTHER)
    await opened(tmp_path, BRIDGE_SECRET_KEY=KEY)


# What it makes.


async def test_the_key_file_is_for_its_owner_alone_and_made_once(tmp_path: Path) -> None:
    await opened(tmp_path)
    key_file = tmp_path / "bridge.db.key"
    key = key_file.read_text()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert len(key.strip()) >= 32
    await opened(tmp_path)
    assert key_file.read_text() == key


async def test_with_a_key_from_the_environment_no_file_is_made(tmp_path: Path) -> None:
    await opened(tmp_path, BRIDGE_SECRET_KEY=KEY)
    assert not (tmp_path / "bridge.db.key").exists()


async def test_the_destination_from_the_environment_works_after_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        settings = bridge_settings(tmp_path, NOWHERE, BRIDGE_CALLBACK_URL=f"https://example.com/{number}")
        async with open_bridge(settings) as bridge:
            registered = await bridge.registry.register(Registration(video_id="video_1"), created_by=None)
    (destination,) = registered.watch.destinations
    assert (destination.url, destination.enabled) == ("https://example.com/1", True)
    assert destination.signing_secret


async def test_leases_of_the_process_before_are_free_at_once(tmp_path: Path) -> None:
    body = Registration(video_id="video_1", callback_url="https://example.com/hook")
    async with open_bridge(bridge_settings(tmp_path, NOWHERE)) as bridge:
        await bridge.registry.register(body, created_by=None)
        (claimed,) = await bridge.poller.claim()
    async with open_bridge(bridge_settings(tmp_path, NOWHERE)) as bridge:
        assert [claim.id for claim in await bridge.poller.claim()] == [claimed.id]


@pytest.mark.parametrize(
    ("environ", "loopback"),
    [({}, True), ({"BRIDGE_API_KEYS": "k" * 16}, False), ({"BRIDGE_ALLOWED_NETWORKS": "10.0.0.0/8"}, True)],
)
def test_without_api_keys_a_callback_may_be_on_this_machine(
    tmp_path: Path, environ: dict[str, str], loopback: bool
) -> None:
    assert app.egress_policy(bridge_settings(tmp_path, NOWHERE, **environ)).loopback is loopback


async def test_the_link_in_a_message_leads_to_the_public_url(tmp_path: Path) -> None:
    receiver = Receiver()
    async with running_simulator() as provider, running_server(receiver.app) as hook:
        video = provider.simulator.create("a cat [duration=0]")
        settings = bridge_settings(tmp_path, provider.base_url, BRIDGE_PUBLIC_URL="https://bridge.example/")
        async with serving(settings) as url, http_client() as client:
            answer = await client.post(f"{url}/v1/watches", json={"video_id": video.id, "callback_url": hook})
            (call,) = await receiver.wait_for(1)
    assert call.json["watch"]["url"] == f"https://bridge.example/watches/{answer.json()['id']}"


async def test_it_listens_on_ipv6_too(tmp_path: Path) -> None:
    async with serving(bridge_settings(tmp_path, NOWHERE, BRIDGE_HOST="::1")) as url:
        assert url.startswith("http://[::1]:")
        async with http_client() as client:
            assert (await client.get(f"{url}/healthz")).status_code == 200


# How it stops.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_and_finds_its_handler_again_afterwards(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    await serve(bridge_settings(tmp_path, NOWHERE), ready=lambda _: os.kill(os.getpid(), number))
    assert signal.getsignal(number) is before


async def test_who_waits_for_a_watch_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    async with running_simulator() as provider, http_client() as client:
        video = provider.simulator.create("a cat [stuck]")
        body = {"video_id": video.id, "callback_url": "https://example.com/hook"}
        async with serving(bridge_settings(tmp_path, provider.base_url)) as url:
            watch = (await client.post(f"{url}/v1/watches", json=body)).json()
            waiting = asyncio.create_task(client.get(f"{url}/v1/watches/{watch['id']}?wait=60"))
            await provider.simulator.until(lambda: provider.simulator.retrieves[video.id] > 2)
        assert (await waiting).json()["status"] == "watching"


class Deaf:
    """A receiver that does not answer before ``heard`` is set; ``came`` is set by the first request."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.heard = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.came.set()
            await self.heard.wait()
            await Response(status_code=204)(scope, receive, send)


async def test_what_hangs_is_cut_after_the_grace_and_burns_no_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.app.serving.STOP_GRACE", 1.0)
    deaf = Deaf()
    async with running_simulator() as provider, running_server(deaf) as hook:
        provider.simulator.create("a cat [duration=0]", video_id="video_1")
        async with serving(bridge_settings(tmp_path, provider.base_url)) as url, http_client() as client:
            await client.post(f"{url}/v1/watches", json={"video_id": "video_1", "callback_url": hook})
            await deaf.came.wait()
            provider.simulator.set_outage(Fault.HANG)
            await client.post(f"{url}/v1/watches", json={"video_id": "video_2", "callback_url": hook})
            await provider.simulator.until(lambda: provider.simulator.retrieves["video_2"] == 1)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 12  # uncut, the delivery would take 15 s and the look 30
    async with open_bridge(bridge_settings(tmp_path, NOWHERE)) as bridge:
        (delivery,) = (await bridge.registry.deliveries(PageRequest(), DeliveryFilter())).items
        assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, ())
        assert len(await bridge.sender.claim()) == len(await bridge.poller.claim()) == 1


async def test_while_it_ends_what_is_in_flight_it_says_that_it_is_stopping(tmp_path: Path) -> None:
    deaf, stop, up = Deaf(), asyncio.Event(), asyncio.get_running_loop().create_future()
    async with running_simulator() as provider, running_server(deaf) as hook, http_client() as client:
        provider.simulator.create("a cat [duration=0]", video_id="video_1")
        settings = bridge_settings(tmp_path, provider.base_url)
        running = asyncio.create_task(serve(settings, ready=up.set_result, stop=stop))
        await client.post(f"{await up}/v1/watches", json={"video_id": "video_1", "callback_url": hook})
        await deaf.came.wait()
        stop.set()
        until = asyncio.get_running_loop().time() + 1  # well beyond the moment the server hears of the stop
        answers = []
        while asyncio.get_running_loop().time() < until:
            answers.append(await client.get(f"{await up}/readyz", headers={"connection": "close"}))
        deaf.heard.set()
        await running
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(503, "stopping")}


@pytest.mark.parametrize(("table", "part"), [("videos", "poller"), ("deliveries", "sender")])
async def test_a_loop_that_dies_takes_the_server_down_with_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, part: str
) -> None:
    async with running_simulator() as provider:
        provider.simulator.create("a cat [duration=0]", video_id="video_1")
        settings = bridge_settings(tmp_path, provider.base_url)
        async with open_bridge(settings) as bridge:
            body = Registration(video_id="video_1", callback_url="https://example.com/hook")
            await bridge.registry.register(body, created_by=None)
            if table == "deliveries":
                await bridge.poller.record([await bridge.poller.work(claim) for claim in await bridge.poller.claim()])
        with closing(sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)) as connection:
            connection.execute(f"UPDATE {table} SET next_at = 'never'")
        with pytest.raises(TypeError):
            await serve(settings, stop=asyncio.Event())
    assert f"part={part}" in capsys.readouterr().err.replace('"', "").replace(": ", "=")


async def test_after_all_it_starts_and_watches(tmp_path: Path) -> None:
    async with running_simulator() as provider:
        provider.simulator.create("a cat [duration=0]", video_id="video_1")
        async with open_bridge(bridge_settings(tmp_path, provider.base_url)) as bridge:
            stop = asyncio.Event()
            running = asyncio.create_task(bridge.poller.run(stop))
            body = Registration(video_id="video_1", callback_url="https://example.com/hook")
            registered = await bridge.registry.register(body, created_by=None)
            assert (await bridge.registry.wait(registered.watch.id, 30)).status is WatchStatus.COMPLETED
            stop.set()
            await running
