"""A clock that is set: no wait gets shorter or longer, nothing floods, nothing falls silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from bridge.metrics import Metrics
from bridge.models import DeliveryStatus, WatchStatus
from bridge.simulator import Simulator
from bridge.upkeep import DAY, Upkeep, heal_at_start
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended

HOUR = 3600.0


class Jumping(ManualClock):
    """A wall clock that is set to another time, while the monotonic one goes on."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> Jumping:
    return Jumping()


def upkeep_of(parts: Parts) -> Upkeep:
    return Upkeep(parts.database, parts.clock, Metrics(), retention=30 * DAY)


async def set_clock(parts: Parts, seconds: float) -> None:
    """Somebody sets the machine's clock, and the upkeep notices."""
    assert isinstance(parts.clock, Jumping)
    parts.clock.ahead += seconds
    await upkeep_of(parts).keep_time()


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_delivery_waits_as_long_as_it_should(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str, jump: float
) -> None:
    receiver.answers.append(Response(status_code=503))
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=(300.0,))) as parts:
        await ended(parts, callback_url=hook)
        await parts.live(1)
        await set_clock(parts, jump)
        await parts.live(290)
        early = len(receiver.received)
        await parts.live(15)
    assert (early, len(receiver.received)) == (1, 2)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_watch_neither_times_out_early_nor_is_its_video_left_alone(
    tmp_path: Path, clock: Jumping, provider: object, simulator: Simulator, hook: str, jump: float
) -> None:
    base_url = {"openai": provider.base_url}  # type: ignore[attr-defined]
    simulator.create("a cat [duration=100]", video_id="video_1")
    async with open_parts(tmp_path, clock, base_url) as parts:
        registered = await parts.register(callback_url=hook, timeout=1800)
        await parts.live(10)
        await set_clock(parts, jump)
        simulator.end("video_1")
        await parts.live(35)
        status = (await parts.watch(registered)).status
    assert status is WatchStatus.COMPLETED


async def test_a_wish_to_be_left_alone_is_not_undercut(
    tmp_path: Path, clock: Jumping, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "600"}))
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=(1.0,))) as parts:
        await ended(parts, callback_url=hook)
        await parts.live(1)
        await set_clock(parts, HOUR)
        await parts.live(595)
        assert len(receiver.received) == 1
        await parts.live(100)
        assert (await parts.delivery()).status is DeliveryStatus.DELIVERED


async def test_drift_is_followed_and_jumps_are_told(parts: Parts, logs: list[dict[str, object]]) -> None:
    await set_clock(parts, 1.5)
    assert parts.database.now() == parts.clock.now()
    assert [each for each in logs if each["event"] == "clock_jumped"] == []
    await set_clock(parts, -HOUR)
    assert parts.database.now() == parts.clock.now()
    assert [each["seconds"] for each in logs if each["event"] == "clock_jumped"] == [-HOUR]


async def test_a_clock_set_back_while_nobody_ran_silences_nothing(
    tmp_path: Path, clock: Jumping, provider: object, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    base_url = {"openai": provider.base_url}  # type: ignore[attr-defined]
    simulator.create("a cat", video_id="video_1")
    receiver.answers.append(Response(status_code=503))
    setting = Setting(retries=(60.0, 60.0))
    async with open_parts(tmp_path, clock, base_url, setting) as parts:
        await parts.register(callback_url=hook)
        await parts.live(3)
        await ended(parts, "done", callback_url=f"{hook}/done")
        await parts.live(1)
    clock.ahead -= HOUR
    simulator.end("video_1")
    async with open_parts(tmp_path, clock, base_url, setting) as parts:
        await heal_at_start(parts.database, longest_wait=30)
        await parts.live(70)
        assert {each.status for each in await parts.deliveries()} == {DeliveryStatus.DELIVERED}
