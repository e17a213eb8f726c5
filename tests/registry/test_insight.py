from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.models import DeliveryStatus, VideoStatus, WatchStatus
from bridge.registry.insight import Insight, percentile
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts
from tests.receiver import Receiver


@pytest.fixture
def insight(parts: Parts) -> Insight:
    return Insight(parts.database)


async def test_one_video_is_told_of_from_its_registration_to_its_delivery(
    parts: Parts, simulator: Simulator, clock: ManualClock, receiver: Receiver, hook: str, insight: Insight
) -> None:
    simulator.create("a cat [duration=10]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.live(30)
    watch = await parts.watch(registered)
    (destination,) = watch.destinations
    assert [each.status for each in await insight.time_line(watch.id)][-1] is VideoStatus.COMPLETED
    assert await insight.results([watch.id]) == {(watch.id, destination.id): DeliveryStatus.DELIVERED}
    health = (await insight.health([destination.id]))[destination.id]
    assert (health.attempts, health.success, health.breaker_open) == (1, 1.0, False)
    assert health.last_at == watch.ended_at
    seen = await insight.overview()
    assert (seen.watches, seen.deliveries) == ({WatchStatus.COMPLETED: 1}, {DeliveryStatus.DELIVERED: 1})
    assert seen.ended == {int((watch.ended_at or 0) // 3600): {WatchStatus.COMPLETED: 1}}
    assert (len(seen.detection), seen.latency, len(seen.looks)) == (1, [0.0], 1)
    assert await insight.watch_counts() == seen.watches
    assert await insight.delivery_counts() == seen.deliveries


async def test_of_nothing_there_is_nothing_to_tell(parts: Parts, insight: Insight) -> None:
    seen = await insight.overview()
    empty = replace(seen, watches={}, deliveries={}, ended={}, detection=[], latency=[], looks=[])
    assert seen == empty
    assert (await insight.health(["dest_none"]))["dest_none"].success is None
    assert await insight.results([]) == {}
    assert await insight.time_line("watch_none") == []


async def test_the_outlook_of_a_watch_says_when_it_is_looked_at_next(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    registered = await parts.register(callback_url="https://example.com/hook")
    await parts.look()
    outlook = (await parts.registry.outlooks([registered.watch.id]))[registered.watch.id]
    assert outlook.next_look_at is not None
    assert outlook.next_look_at > parts.clock.now()


async def test_the_outlook_says_that_its_provider_is_silent(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    simulator.set_outage(500)
    registered = await parts.register(callback_url="https://example.com/hook")
    await parts.look()
    outlook = (await parts.registry.outlooks([registered.watch.id]))[registered.watch.id]
    assert outlook.reason.startswith("the provider has given no usable answer since ")
    assert "HTTP 500" in outlook.reason
    assert outlook.next_look_at is not None
    assert outlook.next_look_at > parts.clock.now()


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 5), (0.95, 10), (1.0, 10)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(list(range(10, 0, -1)), share) == value
