"""Cancelling a watch."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from bridge.errors import ConflictError, NotFoundError
from bridge.models import DeliveryStatus, WatchStatus
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts
from tests.receiver import Receiver


async def test_a_waiting_watch_ends_as_cancelled_and_tells_nobody(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    simulator.create("a cat", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.live(1)
    cancelled = await parts.registry.cancel(registered.watch.id)
    assert (cancelled.status, cancelled.ended_at) == (WatchStatus.CANCELLED, clock.now())
    await parts.live(60)
    assert receiver.received == []
    assert await parts.watch(registered) == cancelled


async def test_a_cancelled_watch_can_be_cancelled_again(parts: Parts, clock: ManualClock) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    first = await parts.registry.cancel(registered.watch.id)
    await clock.advance(5)
    assert await parts.registry.cancel(registered.watch.id) == first


async def test_of_a_watch_that_ended_the_pending_deliveries_are_cancelled(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    receiver.answers.extend([Response(status_code=500), Response(status_code=204)])
    registered = await parts.register(callback_url=hook, destinations=[{"kind": "callback", "url": f"{hook}/2"}])
    await parts.live(0)
    watch = await parts.registry.cancel(registered.watch.id)
    await parts.live(100)
    assert watch.status is WatchStatus.COMPLETED
    assert (watch.deliveries[DeliveryStatus.DELIVERED], watch.deliveries[DeliveryStatus.CANCELLED]) == (1, 1)
    assert len(receiver.received) == 2


async def test_a_watch_that_ended_with_nothing_pending_cannot_be_cancelled(
    parts: Parts, simulator: Simulator, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.live(0)
    with pytest.raises(ConflictError, match="completed"):
        await parts.registry.cancel(registered.watch.id)
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED


async def test_deliveries_are_cancelled_once_then_it_is_a_conflict(
    parts: Parts, simulator: Simulator, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.look()
    assert (await parts.registry.cancel(registered.watch.id)).deliveries[DeliveryStatus.CANCELLED] == 1
    with pytest.raises(ConflictError):
        await parts.registry.cancel(registered.watch.id)


async def test_an_unknown_watch_cannot_be_cancelled(parts: Parts) -> None:
    with pytest.raises(NotFoundError):
        await parts.registry.cancel("watch_nobody")


async def test_nobody_looks_at_a_video_that_nobody_waits_for(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    watches = [await parts.register(callback_url="https://example.com/hook", key=key) for key in ("a", "b")]
    await parts.registry.cancel(watches[0].watch.id)
    await parts.live(1)
    assert simulator.retrieves["video_1"] == 1
    await parts.registry.cancel(watches[1].watch.id)
    await parts.live(600)
    assert simulator.retrieves["video_1"] == 1
    assert await parts.poller.next_due() is None


async def test_a_watch_cancelled_during_a_look_stays_cancelled(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.poller.tick()
    await parts.registry.cancel(registered.watch.id)
    await parts.live(60)
    assert simulator.retrieves == {"video_1": 1}
    assert (await parts.watch(registered)).status is WatchStatus.CANCELLED
    assert receiver.received == []


async def test_a_video_given_up_can_be_watched_again(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat", video_id="video_1")
    first = await parts.register(callback_url=hook)
    await parts.poller.tick()
    await parts.registry.cancel(first.watch.id)
    second = await parts.register(callback_url=hook)
    await parts.live(12)
    assert [call.json["watch"]["id"] for call in receiver.received] == [second.watch.id]
