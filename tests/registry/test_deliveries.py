"""Showing deliveries and sending them again."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from bridge.errors import ConflictError, InvalidRequestError, NotFoundError
from bridge.models import DeliveryStatus, DeliveryView, ProviderState, Trigger, WatchStatus
from bridge.registry import RetryFilter
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts
from tests.receiver import Receiver


async def told(parts: Parts, simulator: Simulator, hook: str, *, key: str | None = None) -> DeliveryView:
    """The delivery of a video that has just ended, after its first attempt."""
    if "video_1" not in simulator.jobs:
        simulator.create("a cat [duration=0]", video_id="video_1")
    await parts.register(callback_url=hook, key=key)
    await parts.live(0)
    return (await parts.deliveries())[-1]


async def test_a_delivered_one_is_sent_again_with_the_same_id_and_body(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    delivery = await told(parts, simulator, hook)
    await clock.advance(60)
    asked = await parts.registry.retry(delivery.id)
    assert (asked.status, asked.next_attempt_at) == (DeliveryStatus.PENDING, clock.now())
    await parts.send()
    first, second = receiver.received
    assert (second.id, second.body) == (first.id, first.body)
    done = await parts.delivery()
    assert done.status is DeliveryStatus.DELIVERED
    assert [(each.number, each.trigger) for each in done.attempts] == [(1, Trigger.SCHEDULE), (2, Trigger.MANUAL)]


async def test_a_pending_one_is_brought_forward_and_its_schedule_starts_anew(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.extend([Response(status_code=500)] * 9)
    delivery = await told(parts, simulator, hook)
    await parts.live(5)
    assert (await parts.delivery()).next_attempt_at == clock.now() + 30
    await parts.registry.retry(delivery.id)
    await parts.live(5)
    # Two by the schedule, one by hand, and five seconds later the schedule has begun again.
    assert len(receiver.received) == 4
    assert (await parts.delivery()).next_attempt_at == clock.now() + 30
    assert [each.number for each in (await parts.delivery()).attempts] == [1, 2, 3, 4]


async def test_a_failed_one_has_the_whole_schedule_again(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    receiver.answers.extend([Response(status_code=500)] * 5)
    delivery = await told(parts, simulator, hook)
    await parts.live(35)
    assert (await parts.delivery()).status is DeliveryStatus.FAILED
    await parts.registry.retry(delivery.id)
    await parts.live(35)
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED
    assert len(receiver.received) == 6


async def test_a_cancelled_one_cannot_be_sent_again(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.look()
    await parts.registry.cancel(registered.watch.id)
    with pytest.raises(ConflictError):
        await parts.registry.retry((await parts.delivery()).id)
    assert await parts.sender.next_due() is None


async def test_an_unknown_one_is_not_found(parts: Parts) -> None:
    for ask in (parts.registry.retry, parts.registry.delivery):
        with pytest.raises(NotFoundError):
            await ask("dlv_nobody")


async def test_failed_ones_are_sent_again_together(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.append(Response(status_code=410))
    for key in ("gone", "disabled"):
        await told(parts, simulator, f"{hook}/gone", key=key)
    await told(parts, simulator, f"{hook}/fine")
    await clock.advance(100)
    await told(parts, simulator, f"{hook}/gone", key="disabled later")
    assert await parts.registry.retry_many(RetryFilter(since=int(clock.now()))) == 1
    await parts.send()
    assert await parts.registry.retry_many(RetryFilter()) == 2
    await parts.send()
    assert [each.status for each in await parts.deliveries()] == [DeliveryStatus.DELIVERED] * 4


async def test_failed_ones_of_one_destination_are_sent_again(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    receiver.answers.extend([Response(status_code=410)] * 2)
    first = await told(parts, simulator, f"{hook}/1")
    await told(parts, simulator, f"{hook}/2")
    assert await parts.registry.retry_many(RetryFilter(destination=first.destination.id)) == 1
    with pytest.raises(InvalidRequestError) as caught:
        await parts.registry.retry_many(RetryFilter(destination="nobody"))
    assert caught.value.param == "destination"


async def test_the_counts_say_how_things_stand(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.extend([Response(status_code=410), Response(status_code=500)])
    await told(parts, simulator, f"{hook}/gone")
    await told(parts, simulator, hook)
    simulator.create("a cat [stuck]", video_id="video_2")
    await parts.register("video_2", callback_url=hook)
    await clock.advance(3)
    counts = await parts.registry.counts()
    assert counts.watches == {WatchStatus.COMPLETED: 2, WatchStatus.WATCHING: 1}
    assert counts.videos_in_flight == {"openai": 1}
    assert counts.deliveries == {DeliveryStatus.FAILED: 1, DeliveryStatus.PENDING: 1}
    assert counts.provider_states == {"openai": ProviderState.OK}
    assert (counts.outbox_oldest, counts.targets_disabled) == (3.0, 1)
