"""Processes that die in the middle of a look, and those that come back too late."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.models import LostReason, Missing, Observed, Video, VideoStatus, WatchStatus
from bridge.poller.loop import LEASE
from bridge.poller.recording import Looked
from bridge.simulator import Fault, Simulator
from tests.clock import ManualClock
from tests.parts import Parts, open_parts, settle
from tests.poller.asking import asked, column
from tests.receiver import Receiver
from tests.servers import SimulatedProvider

COMPLETED = Observed(Video("video_1", VideoStatus.COMPLETED))


@pytest.fixture(autouse=True)
def video(simulator: Simulator) -> None:
    simulator.create("a cat", video_id="video_1")


async def test_a_look_whose_poller_died_is_made_up_for_when_its_lease_is_over(
    parts: Parts, simulator: Simulator, clock: ManualClock
) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    (claim,) = await parts.poller.claim()
    assert claim.video_id == "video_1"
    successor = await parts.new_poller()
    await clock.advance(LEASE - 0.1)
    await settle(successor)
    assert asked(simulator) == []
    await clock.advance(0.1)
    await settle(successor)
    assert asked(simulator) == [LEASE]
    assert (await parts.watch(registered)).status is WatchStatus.COMPLETED


async def test_a_new_process_does_not_wait_for_the_leases_of_the_one_before(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await parts.register(callback_url="https://example.com/hook")
        assert len(await parts.poller.claim()) == 1
    await clock.advance(10)
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await parts.look()
    assert column(tmp_path, "status") == ["completed"]


async def test_no_video_is_looked_at_by_two_at_once(parts: Parts) -> None:
    for number in range(5):
        await parts.register(f"video_{number}", callback_url="https://example.com/hook")
    other = await parts.new_poller()
    first, second = await asyncio.gather(parts.poller.claim(), other.claim())
    assert len({claim.id for claim in (*first, *second)}) == len(first) + len(second) == 5


@pytest.mark.parametrize("same_poller", [True, False])
async def test_the_result_of_a_look_whose_lease_is_over_is_refused(
    parts: Parts, tmp_path: Path, clock: ManualClock, same_poller: bool
) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    (late,) = await parts.poller.claim()
    await clock.advance(LEASE)
    successor = parts.poller if same_poller else await parts.new_poller()
    (current,) = await successor.claim()
    await parts.poller.record([Looked(late, COMPLETED, clock.now())])
    assert (await parts.watch(registered)).status is WatchStatus.WATCHING
    assert column(tmp_path, "looks", "videos") == [0]
    await successor.record([Looked(current, COMPLETED, clock.now())])
    assert (await parts.watch(registered)).status is WatchStatus.COMPLETED
    assert column(tmp_path, "status", "deliveries") == ["pending"]


async def test_a_poller_that_stood_still_records_the_look_of_its_later_lease_alone(
    parts: Parts, clock: ManualClock, tmp_path: Path
) -> None:
    await parts.register(callback_url="https://example.com/hook")
    (late,) = await parts.poller.claim()
    await clock.advance(LEASE)
    (current,) = await parts.poller.claim()
    missing = Looked(late, Missing(LostReason.NOT_FOUND), clock.now())
    await parts.poller.record([Looked(current, COMPLETED, clock.now()), missing])
    assert column(tmp_path, "looks", "videos") == [1]
    assert column(tmp_path, "status", "watches") == ["completed"]


async def test_a_late_result_takes_nothing_back(parts: Parts, clock: ManualClock, tmp_path: Path) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    (late,) = await parts.poller.claim()
    await clock.advance(LEASE)
    successor = await parts.new_poller()
    (current,) = await successor.claim()
    await successor.record([Looked(current, COMPLETED, clock.now())])
    await parts.poller.record([Looked(late, Missing(LostReason.NOT_FOUND), clock.now())])
    watch = await parts.watch(registered)
    assert watch.video is not None
    assert (watch.status, watch.video.status) == (WatchStatus.COMPLETED, VideoStatus.COMPLETED)
    assert column(tmp_path, "missing_count", "videos") == [0]


async def test_two_results_of_one_look_are_one(parts: Parts, clock: ManualClock, tmp_path: Path) -> None:
    await parts.register(callback_url="https://example.com/hook")
    (claim,) = await parts.poller.claim()
    for _ in range(2):
        await parts.poller.record([Looked(claim, COMPLETED, clock.now())])
    assert len(column(tmp_path, "id", "events")) == len(column(tmp_path, "id", "deliveries")) == 1


async def test_a_look_cut_by_the_order_to_stop_is_given_back(
    parts: Parts, simulator: Simulator, tmp_path: Path, clock: ManualClock
) -> None:
    await parts.register(callback_url="https://example.com/hook")
    simulator.set_outage(Fault.HANG)
    stop = asyncio.Event()
    running = asyncio.create_task(parts.poller.run(stop, grace=0.01))
    await simulator.until(lambda: simulator.retrieves["video_1"] == 1)
    stop.set()
    await running
    assert column(tmp_path, "lease_owner", "videos") == [None]
    assert await (await parts.new_poller()).next_due() == clock.now()


async def test_a_look_that_ends_within_the_grace_still_counts(parts: Parts, simulator: Simulator) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    simulator.end("video_1")
    stop = asyncio.Event()
    running = asyncio.create_task(parts.poller.run(stop, grace=5))
    await simulator.until(lambda: simulator.retrieves["video_1"] == 1)
    stop.set()
    await running
    assert (await parts.watch(registered)).status is WatchStatus.COMPLETED


async def test_the_loops_run_by_themselves_when_time_passes(
    parts: Parts, simulator: Simulator, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    stop = asyncio.Event()
    loops = [asyncio.create_task(loop.run(stop)) for loop in (parts.poller, parts.sender)]
    await parts.database.ping()
    await parts.register(callback_url=hook)
    await simulator.until(lambda: simulator.retrieves["video_1"] == 1)
    simulator.end("video_1")
    while simulator.retrieves["video_1"] < 2:
        await clock.advance(0.5)
        await parts.database.ping()
    (call,) = await receiver.wait_for(1)  # woken by the bell, no time has to pass for it
    stop.set()
    await asyncio.gather(*loops)
    assert call.json["type"] == "video.completed"
    assert simulator.retrieves["video_1"] == 2
