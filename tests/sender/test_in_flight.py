"""What is asked for while an attempt is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from bridge.loops import IDLE_SECONDS
from bridge.models import DeliveryStatus, Trigger
from tests.clock import ManualClock
from tests.parts import Parts, settle
from tests.receiver import Receiver
from tests.sender.events import ended, outcomes
from tests.servers import running_server


class Gate:
    """Holds requests back until it is opened, then lets them through with this status."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.open = asyncio.Event()
        self.status = 204
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.requests += 1
        self.came.set()
        await self.open.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def let_through(self, status: int) -> None:
        self.status = status
        self.open.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def under_way(parts: Parts, gate: Gate) -> AsyncIterator[str]:
    """The id of a delivery whose first attempt has reached its receiver."""
    async with running_server(gate) as url:
        await ended(parts, callback_url=url)
        await parts.sender.tick()
        await gate.came.wait()
        yield (await parts.delivery()).id


async def test_a_cancelled_delivery_stays_cancelled_though_its_attempt_fails(
    parts: Parts, gate: Gate, under_way: str
) -> None:
    delivery = await parts.registry.delivery(under_way)
    await parts.registry.cancel(delivery.watch_id)
    gate.let_through(500)
    await parts.send()
    await parts.live(100)
    delivery = await parts.registry.delivery(under_way)
    assert (delivery.status, delivery.next_attempt_at) == (DeliveryStatus.CANCELLED, None)
    assert outcomes(delivery) == [("failed", "server_error", 500)]
    assert gate.requests == 1


async def test_a_cancelled_delivery_that_arrives_all_the_same_shows_that_it_did(
    parts: Parts, gate: Gate, under_way: str, clock: ManualClock
) -> None:
    await parts.registry.cancel((await parts.registry.delivery(under_way)).watch_id)
    gate.let_through(204)
    await parts.send()
    delivery = await parts.registry.delivery(under_way)
    assert (delivery.status, delivery.delivered_at) == (DeliveryStatus.CANCELLED, clock.now())
    assert outcomes(delivery) == [("delivered", None, 204)]


async def test_a_retry_asked_for_meanwhile_is_made_at_once_when_the_attempt_fails(
    parts: Parts, gate: Gate, under_way: str, clock: ManualClock
) -> None:
    await parts.registry.retry(under_way)
    assert gate.requests == 1
    gate.let_through(500)
    await parts.send()
    delivery = await parts.registry.delivery(under_way)
    assert [each.trigger for each in delivery.attempts] == [Trigger.SCHEDULE, Trigger.MANUAL]
    assert delivery.next_attempt_at == clock.now() + 5


async def test_a_retry_asked_for_meanwhile_is_done_with_when_the_attempt_arrives(
    parts: Parts, gate: Gate, under_way: str
) -> None:
    await parts.registry.retry(under_way)
    gate.let_through(204)
    await parts.send()
    await parts.live(100)
    delivery = await parts.registry.delivery(under_way)
    assert (delivery.status, gate.requests) == (DeliveryStatus.DELIVERED, 1)
    await parts.registry.retry(under_way)
    await parts.live(0)
    assert gate.requests == 2


async def test_a_retry_asked_for_meanwhile_is_made_although_410_disabled_the_target(
    parts: Parts, gate: Gate, under_way: str
) -> None:
    await parts.registry.retry(under_way)
    gate.let_through(410)
    await parts.send()
    await parts.live(100)
    delivery = await parts.registry.delivery(under_way)
    assert (delivery.status, gate.requests) == (DeliveryStatus.FAILED, 2)


async def test_while_there_is_no_room_for_more_the_loop_waits_for_a_result(parts: Parts, gate: Gate) -> None:
    sender = parts.new_sender(room=1)
    async with running_server(gate) as url:
        for name in ("a", "b"):
            await ended(parts, name, callback_url=url)
        await sender.tick()
        assert await sender.tick() == IDLE_SECONDS
        assert len(sender.in_flight) == 1
        gate.let_through(204)
        await settle(sender)
    assert gate.requests == 2


async def test_it_is_not_claimed_twice(parts: Parts, gate: Gate, under_way: str) -> None:
    other = parts.new_sender()
    assert await other.claim() == []
    assert await parts.sender.claim() == []


async def test_an_attempt_cut_by_the_order_to_stop_is_given_back_and_burns_none(
    parts: Parts, gate: Gate, under_way: str, clock: ManualClock, receiver: Receiver
) -> None:
    stop = asyncio.Event()
    stop.set()
    await parts.sender.run(stop, grace=0.01)
    delivery = await parts.registry.delivery(under_way)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, ())
    assert delivery.next_attempt_at == clock.now()
    gate.let_through(204)
    await parts.send()
    assert gate.requests == 2


async def test_an_attempt_that_ends_within_the_grace_is_recorded(parts: Parts, gate: Gate, under_way: str) -> None:
    stop = asyncio.Event()
    stop.set()
    ending = asyncio.create_task(parts.sender.run(stop, grace=10))
    gate.let_through(204)
    await ending
    assert (await parts.registry.delivery(under_way)).status is DeliveryStatus.DELIVERED


async def test_an_attempt_cut_after_it_was_cancelled_is_not_due_again(parts: Parts, gate: Gate, under_way: str) -> None:
    await parts.registry.cancel((await parts.registry.delivery(under_way)).watch_id)
    stop = asyncio.Event()
    stop.set()
    await parts.sender.run(stop, grace=0.01)
    assert await parts.sender.next_due() is None
    assert (await parts.registry.delivery(under_way)).status is DeliveryStatus.CANCELLED
