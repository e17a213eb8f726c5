"""Many watches on one video: it is looked at once for all of them, and not at all once it has ended."""

from __future__ import annotations

import asyncio

import pytest

from bridge.models import VideoStatus, WatchStatus
from bridge.simulator import Simulator
from tests.parts import Parts
from tests.receiver import Receiver


@pytest.mark.parametrize(("prompt", "event"), [("a cat", "video.completed"), ("a cat [fail=boring]", "video.failed")])
async def test_a_video_that_ended_before_is_told_at_once_without_a_request(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, prompt: str, event: str
) -> None:
    simulator.create(f"{prompt} [duration=0]", video_id="video_1")
    await parts.register(callback_url=f"{hook}/first")
    await parts.live(0)
    late = await parts.register(callback_url=f"{hook}/late")
    await parts.send()
    assert late.created
    assert late.watch.status == event.removeprefix("video.")
    assert [(call.path, call.json["type"]) for call in receiver.received] == [
        ("/hook/first", event),
        ("/hook/late", event),
    ]
    assert simulator.retrieves == {"video_1": 1}


async def test_it_is_told_without_any_time_passing(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    await parts.register(callback_url=f"{hook}/first")
    await parts.live(0)
    stop = asyncio.Event()
    running = asyncio.create_task(parts.sender.run(stop))
    await parts.database.ping()
    await parts.register(callback_url=f"{hook}/late")
    await receiver.wait_for(2, timeout=5)
    stop.set()
    await running


async def test_what_is_told_late_is_the_final_observation(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    await parts.register(callback_url=f"{hook}/first")
    await parts.live(0)
    simulator.delete("video_1")
    await parts.clock.advance(5000)
    late = await parts.register(callback_url=f"{hook}/late")
    await parts.send()
    first_call, late_call = receiver.received
    assert late.watch.video is not None
    assert late.watch.video.status is VideoStatus.COMPLETED
    assert late_call.json["data"] == first_call.json["data"]
    assert late_call.json["created_at"] == first_call.json["created_at"] + 5000
    assert late_call.id != first_call.id


async def test_fifty_watches_on_one_video_cost_one_poll(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=1]", video_id="video_1")
    for number in range(50):
        await parts.register(callback_url=hook, metadata={"number": str(number)})
    await parts.live(2)
    assert simulator.retrieves == {"video_1": 2}
    assert {call.json["watch"]["metadata"]["number"] for call in receiver.received} == {str(n) for n in range(50)}
    assert len({call.id for call in receiver.received}) == 50


async def test_a_later_watch_does_not_make_the_looks_more_frequent(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    for number in range(10):
        await parts.register(callback_url="https://example.com/hook", key=str(number))
        await parts.look()
    assert simulator.retrieves == {"video_1": 1}


async def test_a_later_watch_with_a_shorter_timeout_ends_in_time(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    patient = await parts.register(callback_url=hook)
    await parts.live(200)  # by now the looks are half a minute apart
    hasty = await parts.register(callback_url=hook, timeout=2, key="hasty")
    await parts.live(2)
    assert (await parts.watch(hasty)).status is WatchStatus.TIMED_OUT
    assert (await parts.watch(patient)).status is WatchStatus.WATCHING


async def test_the_same_id_at_two_providers_is_two_videos(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    first = await parts.register(callback_url=hook)
    await parts.live(0)
    other = await parts.register("VIDEO_1", callback_url=hook)
    assert (await parts.watch(first)).status is WatchStatus.COMPLETED
    assert other.watch.status is WatchStatus.WATCHING


async def test_watches_see_the_latest_observation_while_they_wait(
    parts: Parts, simulator: Simulator, hook: str
) -> None:
    simulator.create("a cat", video_id="video_1")
    first = await parts.register(callback_url=hook)
    await parts.live(5)
    joined = await parts.register(callback_url=hook, key="later")
    for watch in (await parts.watch(first), joined.watch):
        assert watch.video is not None
        assert watch.video.status is VideoStatus.IN_PROGRESS
        assert 0 < (watch.video.progress or 0) < 100
