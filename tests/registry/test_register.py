"""Registering a watch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.egress import AddressPolicy
from bridge.errors import InvalidRequestError
from bridge.models import WatchStatus
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts, signed_by, sql
from tests.receiver import Receiver
from tests.servers import SimulatedProvider

HOOK = "https://example.com/hook"
NOWHERE = {"openai": "http://127.0.0.1:9/v1", "azure": "http://127.0.0.1:9/azure"}


async def refused(parts: Parts, **body: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        await parts.register(**body)
    return caught.value


async def test_a_new_watch_waits_and_says_what_was_registered(parts: Parts, clock: ManualClock) -> None:
    registered = await parts.register(callback_url=HOOK, metadata={"a": "b"}, timeout=60, key="k", created_by="ci")
    watch = registered.watch
    assert registered.created
    assert (watch.status, watch.video_id, watch.provider) == (WatchStatus.WATCHING, "video_1", "openai")
    assert (watch.key, watch.metadata, watch.created_by) == ("k", {"a": "b"}, "ci")
    assert (watch.created_at, watch.expires_at) == (clock.now(), clock.now() + 60)
    assert (watch.video, watch.ended_at, watch.reason) == (None, None, None)
    assert set(watch.deliveries.values()) == {0}


async def test_a_watch_without_a_timeout_has_the_default_one(parts: Parts, clock: ManualClock) -> None:
    registered = await parts.register(callback_url=HOOK)
    assert registered.watch.expires_at == clock.now() + 86_400


async def test_a_new_watch_is_looked_at_at_once(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat", video_id="video_1")
    await parts.register(callback_url=HOOK)
    await parts.look()
    assert simulator.retrieves == {"video_1": 1}


async def test_the_registrant_may_choose_among_the_providers(tmp_path: Path, clock: ManualClock) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        default = await parts.register(callback_url=HOOK)
        other = await parts.register(callback_url=HOOK, provider="azure")
    assert (default.watch.provider, other.watch.provider) == ("openai", "azure")
    assert other.created


@pytest.mark.parametrize("provider", ["nobody", "OpenAI", ""])
async def test_an_unknown_provider_is_refused_with_the_known_ones_named(
    tmp_path: Path, clock: ManualClock, provider: str
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        error = await refused(parts, callback_url=HOOK, provider=provider)
    assert error.param == "provider"
    assert "azure, openai" in error.message


@pytest.mark.parametrize("destinations", [None, []])
async def test_without_a_destination_given_or_default_nothing_is_registered(
    parts: Parts, tmp_path: Path, destinations: list[str] | None
) -> None:
    error = await refused(parts, destinations=destinations)
    assert error.param == "destinations"
    assert sql(tmp_path, "SELECT count(*) FROM watches") == [(0,)]


async def test_an_unknown_stored_destination_is_refused_and_leaves_nothing_behind(parts: Parts, tmp_path: Path) -> None:
    error = await refused(parts, callback_url=HOOK, destinations=[{"kind": "callback", "url": HOOK}, "team"])
    assert error.param == "destinations[1]"
    assert "'team'" in error.message
    assert sql(tmp_path, "SELECT count(*) FROM destinations") == [(0,)]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"callback_url": "https://10.0.0.1/hook"}, "callback_url"),
        ({"destinations": [{"kind": "callback", "url": "https://[::1]/hook"}]}, "destinations[0].url"),
        ({"callback_url": HOOK, "destinations": [{"kind": "callback", "url": "http://e.com/"}]}, "destinations[0].url"),
    ],
)
async def test_a_forbidden_address_is_refused_with_the_remedy(
    tmp_path: Path, clock: ManualClock, body: dict[str, Any], param: str
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(policy=AddressPolicy())) as parts:
        error = await refused(parts, **body)
    assert error.param == param
    assert "BRIDGE_ALLOWED_NETWORKS" in error.message


@pytest.mark.parametrize("url", ["ftp://example.com", "https://user:pass@example.com/", "https://", "no url"])
async def test_what_is_no_url_to_send_to_is_refused(parts: Parts, url: str) -> None:
    assert (await refused(parts, callback_url=url)).param == "callback_url"


async def test_equal_destinations_are_merged_into_one(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    inline = {"kind": "callback", "url": hook}
    spelled_out = {**inline, "events": ["watch.timed_out", "watch.lost", "video.failed", "video.completed"]}
    registered = await parts.register(callback_url=hook, destinations=[inline, inline, spelled_out])
    await parts.live(0)
    assert len(registered.watch.destinations) == 1
    assert len(receiver.received) == 1


async def test_destinations_keep_their_order(parts: Parts) -> None:
    urls = [f"https://example.com/{number}" for number in (3, 1, 2)]
    inline = [{"kind": "callback", "url": url} for url in urls]
    registered = await parts.register(callback_url="https://example.com/first", destinations=inline)
    assert [each.url for each in registered.watch.destinations] == ["https://example.com/first", *urls]


async def test_a_destination_is_told_only_the_events_it_asked_for(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    deaf = {"kind": "callback", "url": f"{hook}/failures", "events": ["video.failed"]}
    await parts.register(callback_url=f"{hook}/all", destinations=[deaf])
    await parts.live(0)
    assert [call.path for call in receiver.received] == ["/hook/all"]


async def test_the_destination_from_the_environment_is_told_when_none_is_named(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    provider.simulator.create("a cat [duration=0]", video_id="video_1")
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(callback_url=hook)) as parts:
        by_default = await parts.register()
        by_name = await parts.register(destinations=["callback"])
        elsewhere = await parts.register(callback_url=f"{hook}/mine")
        await parts.live(0)
    assert [each.name for each in by_default.watch.destinations] == ["callback"]
    assert by_name.watch.id == by_default.watch.id
    assert [each.name for each in elsewhere.watch.destinations] == [None]
    assert sorted(call.path for call in receiver.received) == ["/hook", "/hook/mine"]


async def test_the_destination_from_the_environment_still_works_after_a_restart(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    provider.simulator.create("a cat", video_id="video_1")
    for url in (f"{hook}/former", hook):
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(callback_url=url)) as parts:
            registered = await parts.register()
            await parts.live(6)
    assert not registered.created
    assert [call.path for call in receiver.received] == ["/hook"]
    assert signed_by(receiver.received[0], registered.watch.destinations[0].signing_secret or "")


async def test_a_destination_that_left_the_environment_is_told_no_more(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(callback_url=hook)) as parts:
        registered = await parts.register()
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        (destination,) = (await parts.watch(registered)).destinations
        assert not destination.enabled
        assert (await refused(parts)).param == "destinations"
