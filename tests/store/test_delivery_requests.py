"""What people ask of deliveries: to be sent again, to be cancelled."""

from __future__ import annotations

import pytest

from bridge.models import DeliveryStatus
from bridge.store import Transaction, deliveries, tables
from bridge.store.deliveries import HeldDelivery
from tests.store.rows import (
    LEASE,
    NOW,
    add_delivery,
    add_delivery_as,
    add_destination,
    add_watch,
    claim_deliveries,
    row,
)

ENDED = [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED]


@pytest.mark.parametrize("status", ENDED)
async def test_an_ended_delivery_is_sent_again_by_hand_on_a_new_schedule(
    tx: Transaction, status: DeliveryStatus
) -> None:
    delivery_id = await add_delivery_as(tx, status, step=13, attempts=13, reason="timeout", body=b"kept")
    assert await deliveries.ask_retry(tx, delivery_id, NOW + 9) is status
    (claimed,) = await claim_deliveries(tx, now=NOW + 9)
    assert (claimed.manual, claimed.step, claimed.attempts, claimed.body) == (True, 0, 13, b"kept")
    written = await row(tx, tables.deliveries, delivery_id)
    assert (written["status"], written["reason"]) == ("pending", None)


async def test_a_pending_delivery_is_brought_forward(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx, created_at=NOW + 500, step=3)
    assert await deliveries.ask_retry(tx, delivery_id, NOW) is DeliveryStatus.PENDING
    assert [each.step for each in await claim_deliveries(tx)] == [0]


async def test_a_cancelled_delivery_stays_cancelled(tx: Transaction) -> None:
    delivery_id = await add_delivery_as(tx, DeliveryStatus.CANCELLED)
    before = await row(tx, tables.deliveries, delivery_id)
    assert await deliveries.ask_retry(tx, delivery_id, NOW) is DeliveryStatus.CANCELLED
    assert await row(tx, tables.deliveries, delivery_id) == before


async def test_there_is_nothing_to_retry_where_nothing_is(tx: Transaction) -> None:
    assert await deliveries.ask_retry(tx, "dlv_0", NOW) is None


async def test_a_retry_during_an_attempt_marks_it_and_sends_no_second_one_beside_it(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    (claimed,) = await claim_deliveries(tx)
    await deliveries.ask_retry(tx, delivery_id, NOW + 1)
    assert await claim_deliveries(tx, "sender_2", now=NOW + 1) == []
    held = await deliveries.held(tx, [claimed], "sender_1")
    assert held == {(delivery_id, claimed.fence): HeldDelivery(DeliveryStatus.PENDING, 0, claimed.manual_asked + 1)}


async def test_a_retry_asked_for_during_an_attempt_outlives_a_crash(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    await claim_deliveries(tx)
    await deliveries.ask_retry(tx, delivery_id, NOW + 1)
    assert [each.manual for each in await claim_deliveries(tx, "sender_2", now=NOW + LEASE)] == [True]


async def test_all_failed_deliveries_are_sent_again(tx: Transaction) -> None:
    failed = [await add_delivery_as(tx, DeliveryStatus.FAILED) for _ in range(3)]
    for status in (DeliveryStatus.DELIVERED, DeliveryStatus.CANCELLED):
        await add_delivery_as(tx, status)
    assert await deliveries.ask_retry_failed(tx, since=None, destination_id=None, now=NOW) == 3
    claimed = await claim_deliveries(tx)
    assert [(each.id, each.manual) for each in claimed] == [(each, True) for each in failed]
    assert await deliveries.ask_retry_failed(tx, since=None, destination_id=None, now=NOW) == 0


async def test_failed_deliveries_can_be_chosen_by_time_and_destination(tx: Transaction) -> None:
    told = await add_destination(tx)
    for destination_id, created_at in [(told, NOW - 1), (None, NOW), (told, NOW)]:
        await add_delivery_as(tx, DeliveryStatus.FAILED, destination_id=destination_id, created_at=created_at)
    assert await deliveries.ask_retry_failed(tx, since=NOW, destination_id=told, now=NOW) == 1
    (claimed,) = await claim_deliveries(tx)
    assert (claimed.destination_id, claimed.created_at) == (told, NOW)


async def test_cancelling_takes_what_is_pending_of_one_watch(tx: Transaction) -> None:
    watch_id = await add_watch(tx)
    pending = await add_delivery_as(tx, DeliveryStatus.PENDING, watch_id=watch_id)
    delivered = await add_delivery_as(tx, DeliveryStatus.DELIVERED, watch_id=watch_id)
    other = await add_delivery(tx)
    assert await deliveries.cancel_pending(tx, watch_id) == 1
    assert await deliveries.cancel_pending(tx, watch_id) == 0
    assert (await row(tx, tables.deliveries, pending))["status"] == "cancelled"
    assert (await row(tx, tables.deliveries, delivered))["status"] == "delivered"
    assert [each.id for each in await claim_deliveries(tx)] == [other]


async def test_one_cancelled_during_its_attempt_reports_but_is_not_sent_again(tx: Transaction) -> None:
    watch_id = await add_watch(tx)
    delivery_id = await add_delivery(tx, watch_id)
    claimed = await claim_deliveries(tx)
    await deliveries.cancel_pending(tx, watch_id)
    held = await deliveries.held(tx, claimed, "sender_1")
    assert held == {(delivery_id, claimed[0].fence): HeldDelivery(DeliveryStatus.CANCELLED, 0, 0)}
    await deliveries.release(tx, claimed, "sender_1", NOW)
    assert await claim_deliveries(tx, now=NOW + 1e9) == []
