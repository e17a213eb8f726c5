"""A clock that was set: what is put right is put right once, however often that is done, also for what is under way."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from bridge.models import WatchStatus
from bridge.simulator import Reply
from bridge.upkeep import heal_at_start
from tests.parts import Parts, Setting, open_parts
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended
from tests.servers import SimulatedProvider
from tests.upkeep.test_time import HOUR, Jumping, set_clock


@pytest.fixture
def clock() -> Jumping:
    return Jumping()


@pytest.fixture
def base_url(provider: SimulatedProvider) -> dict[str, str]:
    return {"openai": provider.base_url}


async def heal(parts: Parts) -> None:
    """What is done at each start."""
    await heal_at_start(parts.database, longest_wait=30)


async def test_a_wait_is_not_cut_short_by_healing_twice(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "600"}))
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, callback_url=hook)
        await parts.live(1)
    clock.ahead -= HOUR
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await heal(parts)
        await heal(parts)
        await parts.live(580)
        assert len(receiver.received) == 1
        await parts.live(40)
    assert len(receiver.received) == 2


async def test_a_restart_after_the_clock_was_set_back_cuts_no_wait_short(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "600"}))
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, callback_url=hook)
        await parts.live(1)
        await set_clock(parts, -HOUR)
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await heal(parts)
        await parts.live(580)
    assert len(receiver.received) == 1


async def slowed_down(parts: Parts, provider: SimulatedProvider, hook: str) -> int:
    """A provider that has just asked for a minute; how often it was asked by then."""
    provider.simulator.create("a cat", video_id="video_1")
    provider.simulator.fault_next(Reply(429, b"", {"retry-after": "60"}))
    await parts.register(callback_url=hook)
    await parts.live(1)
    return provider.simulator.retrieves["video_1"]


@pytest.mark.parametrize("jump", [0, -HOUR / 2, -HOUR])
async def test_after_a_restart_a_provider_that_asked_for_a_minute_is_asked_after_a_minute(
    tmp_path: Path, clock: Jumping, provider: SimulatedProvider, base_url: dict[str, str], hook: str, jump: float
) -> None:
    async with open_parts(tmp_path, clock, base_url) as parts:
        before = await slowed_down(parts, provider, hook)
    clock.ahead += jump
    async with open_parts(tmp_path, clock, base_url) as parts:
        await heal(parts)
        await heal(parts)
        await parts.live(55)
        assert provider.simulator.retrieves["video_1"] == before
        await parts.live(35)
    assert provider.simulator.retrieves["video_1"] > before


@pytest.mark.parametrize("jump", [-HOUR / 2, HOUR / 2])
async def test_a_running_process_asks_it_after_a_minute_too(
    tmp_path: Path,
    clock: Jumping,
    provider: SimulatedProvider,
    base_url: dict[str, str],
    hook: str,
    jump: float,
) -> None:
    async with open_parts(tmp_path, clock, base_url) as parts:
        before = await slowed_down(parts, provider, hook)
        await set_clock(parts, jump)
        await parts.live(50)
        assert provider.simulator.retrieves["video_1"] == before
        await parts.live(40)
    assert provider.simulator.retrieves["video_1"] > before


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
async def test_an_attempt_under_way_is_followed_by_its_whole_wait(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str, jump: float
) -> None:
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "600"}))
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=(5.0, 5.0))) as parts:
        await ended(parts, callback_url=hook)
        (claim,) = await parts.sender.claim()
        sent = await parts.sender.work(claim)
        await set_clock(parts, jump)
        await parts.sender.record([sent])
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=(5.0, 5.0))) as parts:
        await heal(parts)
        await parts.live(590)
        assert len(receiver.received) == 1
        await parts.live(60)
    assert len(receiver.received) == 2


async def test_a_look_under_way_ends_no_watch_early(
    tmp_path: Path, clock: Jumping, provider: SimulatedProvider, base_url: dict[str, str], hook: str
) -> None:
    provider.simulator.create("a cat [stuck]", video_id="video_1")
    async with open_parts(tmp_path, clock, base_url) as parts:
        registered = await parts.register(callback_url=hook, timeout=1800)
        (claim,) = await parts.poller.claim()
        looked = await parts.poller.work(claim)
        await set_clock(parts, -HOUR)
        await parts.poller.record([looked])
        assert (await parts.watch(registered)).status is WatchStatus.WATCHING


async def test_what_is_sent_too_late_for_its_lease_is_not_sent_whatever_the_clock_says(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str, kind: str
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, callback_url=hook)
        (claim,) = await parts.sender.claim()
        await clock.advance(16)
        await parts.sender.work(claim)
    assert receiver.received == []


async def test_a_clock_that_was_not_set_has_nothing_healed(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str
) -> None:
    """Also where this machine's clock is not the one that waits are measured by."""
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "600"}))
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        clock.ahead = 300
        await ended(parts, callback_url=hook)
        await parts.live(1)
        (before,) = await parts.deliveries()
        await heal(parts)
        assert await parts.deliveries() == [before]
