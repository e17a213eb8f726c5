"""A receiver that is gone for good."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from bridge.models import DeliveryStatus, Trigger
from bridge.registry import RetryFilter
from bridge.signing import new_secret
from tests.parts import Parts
from tests.receiver import Receiver
from tests.sender.events import ended, moments, outcomes


@pytest.fixture(autouse=True)
def gone(receiver: Receiver) -> None:
    """The first request is answered with 410."""
    receiver.answers.append(Response(status_code=410))


async def test_410_ends_the_delivery_and_disables_the_target(parts: Parts, receiver: Receiver, hook: str) -> None:
    registered = await ended(parts, callback_url=hook)
    await parts.live(100)
    delivery = await parts.delivery()
    assert (delivery.status, delivery.reason) == (DeliveryStatus.FAILED, "gone")
    assert outcomes(delivery) == [("failed", "gone", 410)]
    assert not (await parts.watch(registered)).destinations[0].enabled
    assert (await parts.registry.counts()).targets_disabled == 1


async def test_later_deliveries_to_it_are_kept_as_failed_without_an_attempt(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    for name in ("a", "b"):
        await ended(parts, name, callback_url=hook)
        await parts.send()
    _, later = await parts.deliveries()
    assert (later.status, later.reason, later.attempts) == (DeliveryStatus.FAILED, "disabled", ())
    assert len(receiver.received) == 1


async def test_those_pending_already_end_when_they_are_due(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.appendleft(Response(status_code=500))
    await ended(parts, "a", callback_url=hook)
    await parts.send()
    await ended(parts, "b", callback_url=hook)
    await parts.live(10)
    first, second = await parts.deliveries()
    assert (first.status, first.reason) == (DeliveryStatus.FAILED, "disabled")
    assert outcomes(first) == [("retry", "server_error", 500)]
    assert (second.status, second.reason) == (DeliveryStatus.FAILED, "gone")


async def test_it_is_disabled_for_every_watch_and_registrant_that_uses_it(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    await ended(parts, "a", callback_url=hook, created_by="alice")
    await parts.send()
    own = {"kind": "callback", "url": hook, "secret": new_secret(), "events": ["video.completed"]}
    other = await ended(parts, "b", destinations=[own], created_by="bob")
    assert not other.watch.destinations[0].enabled
    await parts.send()
    assert len(receiver.received) == 1


async def test_another_url_at_the_same_host_is_another_target(parts: Parts, receiver: Receiver, hook: str) -> None:
    await ended(parts, "a", callback_url=f"{hook}?team=a")
    await parts.send()
    await ended(parts, "a", callback_url=f"{hook}?team=b")
    await parts.send()
    assert [each.status for each in await parts.deliveries()] == [DeliveryStatus.FAILED, DeliveryStatus.DELIVERED]


async def test_a_retry_by_hand_sends_once_and_does_not_enable_it(parts: Parts, receiver: Receiver, hook: str) -> None:
    for name in ("a", "b"):
        registered = await ended(parts, name, callback_url=hook)
        await parts.send()
    receiver.answers.append(Response(status_code=500))
    kept = (await parts.deliveries())[1]
    await parts.registry.retry(kept.id)
    await parts.live(1000)
    kept = await parts.registry.delivery(kept.id)
    assert (kept.status, kept.reason) == (DeliveryStatus.FAILED, "server_error")
    assert [each.trigger for each in kept.attempts] == [Trigger.MANUAL]
    assert not (await parts.watch(registered)).destinations[0].enabled


async def test_a_retry_by_hand_to_a_disabled_target_can_succeed(parts: Parts, receiver: Receiver, hook: str) -> None:
    await ended(parts, callback_url=hook)
    await parts.live(10)
    await parts.registry.retry((await parts.delivery()).id)
    await parts.send()
    delivery = await parts.delivery()
    assert delivery.status is DeliveryStatus.DELIVERED
    assert moments(delivery) == [0, 10]


async def test_those_kept_can_be_sent_again_together(parts: Parts, receiver: Receiver, hook: str) -> None:
    for name in ("a", "b", "c"):
        await ended(parts, name, callback_url=hook)
        await parts.send()
    assert await parts.registry.retry_many(RetryFilter()) == 3
    await parts.send()
    assert [each.status for each in await parts.deliveries()] == [DeliveryStatus.DELIVERED] * 3
    assert len(receiver.received) == 4


async def test_one_under_way_when_the_target_is_disabled_still_counts(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=500))
    for name in ("a", "b"):
        await ended(parts, name, callback_url=hook)
    await parts.live(10)
    assert sorted((each.status.value, each.reason and each.reason.value) for each in await parts.deliveries()) == [
        ("failed", "disabled"),
        ("failed", "gone"),
    ]
    assert len(receiver.received) == 2
