"""The secrets that sign callbacks: who is told them, and that they fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.models import PageRequest
from bridge.registry import WatchFilter
from bridge.registry.destinations import target_of
from bridge.signing import new_secret
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import MASTER, Parts, Setting, open_parts, signed_by, sql
from tests.receiver import Received, Receiver
from tests.servers import SimulatedProvider

OWN = new_secret()


@pytest.fixture(autouse=True)
def video(simulator: Simulator) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")


async def told(parts: Parts, receiver: Receiver) -> Received:
    """The callback that follows."""
    await parts.live(0)
    return receiver.received[-1]


async def test_the_secret_shown_is_the_one_that_signs(parts: Parts, receiver: Receiver, hook: str) -> None:
    registered = await parts.register(callback_url=hook)
    secret = registered.watch.destinations[0].signing_secret or ""
    assert signed_by(await told(parts, receiver), secret)


async def test_it_is_shown_again_to_who_registers_again_and_to_nobody_else(parts: Parts, hook: str) -> None:
    first = await parts.register(callback_url=hook)
    again = await parts.register(callback_url=hook)
    assert again.watch.destinations == first.watch.destinations
    page = await parts.registry.watches(PageRequest(), WatchFilter())
    shown = [await parts.watch(first), *page.items, await parts.registry.wait(first.watch.id, 0)]
    assert [watch.destinations[0].signing_secret for watch in shown] == [None] * 3


async def test_a_callback_with_its_own_secret_shows_none_and_is_signed_with_it(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    registered = await parts.register(destinations=[{"kind": "callback", "url": hook, "secret": OWN}])
    assert registered.watch.destinations[0].signing_secret is None
    assert OWN not in repr(registered)
    assert signed_by(await told(parts, receiver), OWN)


async def test_the_operators_secret_wins_over_the_derived_one(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    common = new_secret()
    setting = Setting(callback_secret=common)
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, setting) as parts:
        registered = await parts.register(
            callback_url=hook, destinations=[{"kind": "callback", "url": f"{hook}/own", "secret": OWN}]
        )
        await parts.live(0)
    assert [each.signing_secret for each in registered.watch.destinations] == [common, None]
    secrets = {"/hook": common, "/hook/own": OWN}
    assert [signed_by(call, secrets[call.path]) for call in receiver.received] == [True, True]


async def test_one_url_has_one_secret_and_no_other_url_has_it(parts: Parts) -> None:
    urls = ["https://example.com/1", "https://example.com/2", "https://example.com/1"]
    secrets = [
        (await parts.register(callback_url=url, key=str(number))).watch.destinations[0].signing_secret
        for number, url in enumerate(urls)
    ]
    assert secrets[0] == secrets[2] != secrets[1]


async def test_the_spelling_of_a_url_does_not_change_its_secret(parts: Parts) -> None:
    plain = await parts.register(callback_url="https://example.com/hook")
    odd = await parts.register(callback_url="HTTPS://EXAMPLE.com:443/hook", key="other")
    assert odd.watch.destinations == plain.watch.destinations


async def test_while_the_master_key_is_renewed_both_secrets_sign(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    providers = {"openai": provider.base_url}
    async with open_parts(tmp_path, clock, providers) as parts:
        before = await parts.register(callback_url=hook)
    async with open_parts(tmp_path, clock, providers, Setting(keys=("n" * 32, MASTER))) as parts:
        after = await parts.register(callback_url=hook)
        call = await told(parts, receiver)
    secrets = {watch.destinations[0].signing_secret or "" for watch in (before.watch, after.watch)}
    assert len(secrets) == 2
    assert all(signed_by(call, secret) for secret in secrets)


async def test_nothing_secret_stands_readable_in_the_database(parts: Parts, tmp_path: Path) -> None:
    callback = {"kind": "callback", "url": "https://example.com/hook?token=t0ken", "secret": OWN}
    registered = await parts.register(destinations=[{**callback, "headers": {"X-Api-Key": "k3y-of-the-team"}}])
    tables = ("watches", "destinations", "videos", "settings", "targets")
    rows = [str(row) for table in tables for row in sql(tmp_path, f"SELECT * FROM {table}")]
    files = "".join(rows).encode() + b"".join(path.read_bytes() for path in tmp_path.glob("bridge.db*"))
    assert registered.watch.id.encode() in files
    for secret in (OWN, OWN.removeprefix("whsec_"), "t0ken", "k3y-of-the-team"):
        assert secret.encode() not in files


def test_a_target_is_a_kind_and_a_url() -> None:
    targets = {target_of(kind, url) for kind in ("callback", "slack") for url in ("https://a.example", "https://b.x")}
    assert len(targets) == 4
