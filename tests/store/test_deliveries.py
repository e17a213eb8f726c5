"""Deliveries as a queue: claimed with all that sending needs, concluded, given back."""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import update

from bridge.models import Attempt, DeliveryStatus, EventType, Outcome, Reason, Trigger
from bridge.store import Database, Transaction, deliveries, due, reports, tables
from bridge.store.deliveries import Conclusion, HeldDelivery
from tests.clock import ManualClock
from tests.store.rows import (
    LEASE,
    NOW,
    a_video,
    add_delivery,
    add_destination,
    add_watch,
    claim_deliveries,
    disable,
    row,
)

ATTEMPT = Attempt(1, NOW, 12, Outcome.RETRY, Reason.TIMEOUT, None, None, Trigger.SCHEDULE)


def conclusion(delivery_id: str, status: DeliveryStatus, *, next_at: float | None = None) -> Conclusion:
    delivered_at = NOW if status is DeliveryStatus.DELIVERED else None
    return Conclusion(delivery_id, status, Reason.TIMEOUT, 3, next_at, delivered_at, manual_done=2, attempts=4)


async def test_a_new_delivery_is_due_at_once_and_was_never_tried(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    assert await due.next_due(tx) == NOW
    (claimed,) = await claim_deliveries(tx)
    assert (claimed.id, claimed.step, claimed.attempts, claimed.body) == (delivery_id, 0, 0, None)
    assert not claimed.manual


async def test_a_claim_brings_all_that_sending_needs(tx: Transaction) -> None:
    told = await add_destination(tx, "hook", origin="environment", config=b"sealed \0 bytes", target="a" * 64)
    watch_id = await add_watch(tx, metadata={"k": "v"}, provider="azure")
    await add_delivery(tx, watch_id, told, created_at=NOW - 5, type_=EventType.WATCH_LOST, target="a" * 64)
    (claimed,) = await claim_deliveries(tx)
    assert (claimed.watch_id, claimed.watch_metadata, claimed.provider) == (watch_id, {"k": "v"}, "azure")
    assert (claimed.destination_id, claimed.origin, claimed.kind) == (told, "environment", "callback")
    assert (claimed.config, claimed.target, claimed.enabled) == (b"sealed \0 bytes", "a" * 64, True)
    assert (claimed.event_type, claimed.event_at, claimed.created_at) == (EventType.WATCH_LOST, NOW - 5, NOW - 5)
    assert claimed.video == a_video().as_dict()


async def test_exactly_the_due_ones_are_claimed_those_due_longest_first(tx: Transaction) -> None:
    due = {seconds: await add_delivery(tx, created_at=NOW + seconds) for seconds in (1, -1, -9, 0)}
    assert {each.id for each in await claim_deliveries(tx, limit=2)} == {due[-9], due[-1]}
    assert [each.id for each in await claim_deliveries(tx)] == [due[0]]
    assert await claim_deliveries(tx) == []


async def test_what_is_claimed_together_comes_in_the_order_it_fell_due(tx: Transaction) -> None:
    one, three, two = [await add_delivery(tx, created_at=NOW - seconds) for seconds in (1, 3, 2)]
    assert [each.id for each in await claim_deliveries(tx)] == [three, two, one]


async def test_what_fell_due_at_once_comes_in_the_order_it_was_made(tx: Transaction) -> None:
    made = [await add_delivery(tx, created_at=NOW) for _ in range(5)]
    assert [each.id for each in await claim_deliveries(tx)] == made


async def test_what_one_holds_no_other_gets(path: Path, clock: ManualClock) -> None:
    one, two = (Database(f"sqlite:///{path}", clock) for _ in range(2))
    async with one.write() as tx:
        made = [await add_delivery(tx) for _ in range(20)]

    async def take(database: Database, owner: str) -> list[str]:
        async with database.write() as tx:
            return [each.id for each in await claim_deliveries(tx, owner, limit=3)]

    taken = await asyncio.gather(*(take(each, f"sender_{number}") for number, each in enumerate([one, two] * 4)))
    assert sorted(chain(*taken)) == made
    await one.aclose()
    await two.aclose()


async def test_a_lease_that_ran_out_is_claimed_again_and_the_late_owner_gets_nothing(tx: Transaction) -> None:
    await add_delivery(tx)
    (late,) = await claim_deliveries(tx, "sender_1")
    assert await claim_deliveries(tx, "sender_2", now=NOW + LEASE - 1) == []
    (again,) = await claim_deliveries(tx, "sender_2", now=NOW + LEASE)
    assert again.fence == late.fence + 1
    assert await deliveries.held(tx, [late], "sender_1") == {}
    assert await deliveries.held(tx, [late], "sender_2") == {}
    held = await deliveries.held(tx, [again], "sender_2")
    assert held == {(again.id, again.fence): HeldDelivery(DeliveryStatus.PENDING, 0, 0)}


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_leases_of_one_owner_only_the_later_is_held(tx: Transaction, order: int) -> None:
    await add_delivery(tx)
    (late,) = await claim_deliveries(tx)
    (again,) = await claim_deliveries(tx, now=NOW + LEASE)
    assert list(await deliveries.held(tx, [late, again][::order], "sender_1")) == [(again.id, again.fence)]


@pytest.mark.parametrize("which", ["destination", "target"])
async def test_a_claim_says_when_destination_or_target_is_disabled(tx: Transaction, which: str) -> None:
    told = await add_destination(tx)
    await add_delivery(tx, None, told)
    if which == "target":
        await disable(tx, "t" * 64)
    else:
        await tx.execute(update(tables.destinations).values(enabled=False))
    assert [each.enabled for each in await claim_deliveries(tx)] == [False]


async def test_another_targets_end_disables_nothing(tx: Transaction) -> None:
    await add_delivery(tx)
    await disable(tx, "u" * 64)
    assert [each.enabled for each in await claim_deliveries(tx)] == [True]


async def test_a_body_is_stored_once_and_by_the_owner_alone(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    await claim_deliveries(tx)
    for owner, body in [("sender_2", b"foreign"), ("sender_1", b"first"), ("sender_1", b"second")]:
        await deliveries.store_bodies(tx, {delivery_id: deliveries.Rendered(body)}, owner)
    await deliveries.store_bodies(tx, {}, "sender_1")
    assert (await row(tx, tables.deliveries, delivery_id))["body"] == b"first"


async def test_a_stored_body_comes_with_the_next_claim(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    await claim_deliveries(tx)
    await deliveries.store_bodies(tx, {delivery_id: deliveries.Rendered(b"\xff\0")}, "sender_1")
    assert [each.body for each in await claim_deliveries(tx, now=NOW + LEASE)] == [b"\xff\0"]


async def test_a_concluded_delivery_waits_for_its_next_attempt(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    claimed = await claim_deliveries(tx)
    await deliveries.conclude(tx, [conclusion(delivery_id, DeliveryStatus.PENDING, next_at=NOW + 5)], [])
    assert await deliveries.held(tx, claimed, "sender_1") == {}
    assert await claim_deliveries(tx, now=NOW + 4) == []
    (again,) = await claim_deliveries(tx, now=NOW + 5)
    assert (again.step, again.attempts, again.manual_done) == (3, 4, 2)


@pytest.mark.parametrize("status", [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.CANCELLED])
async def test_a_delivery_that_ended_is_due_no_more(tx: Transaction, status: DeliveryStatus) -> None:
    delivery_id = await add_delivery(tx)
    await claim_deliveries(tx)
    await deliveries.conclude(tx, [conclusion(delivery_id, status)], [])
    assert await due.next_due(tx) is None
    assert await claim_deliveries(tx, now=NOW + 1e9) == []


async def test_each_delivery_is_concluded_on_its_own_and_attempts_are_kept(tx: Transaction) -> None:
    one, two = await add_delivery(tx), await add_delivery(tx)
    ended = [conclusion(one, DeliveryStatus.DELIVERED), conclusion(two, DeliveryStatus.FAILED)]
    await deliveries.conclude(tx, ended, [(one, ATTEMPT), (two, ATTEMPT)])
    await deliveries.conclude(tx, [], [])
    first, second = await reports.delivery(tx, one), await reports.delivery(tx, two)
    assert first is not None
    assert second is not None
    assert (first.status, first.delivered_at, first.attempts) == (DeliveryStatus.DELIVERED, NOW, (ATTEMPT,))
    assert (second.status, second.delivered_at, second.attempts) == (DeliveryStatus.FAILED, None, (ATTEMPT,))


async def test_a_released_delivery_is_due_at_once_and_no_attempt_is_burnt(tx: Transaction) -> None:
    await add_delivery(tx, step=2, attempts=5)
    claimed = await claim_deliveries(tx)
    await deliveries.release(tx, claimed, "sender_1", NOW + 1)
    (again,) = await claim_deliveries(tx, "sender_2", now=NOW + 1)
    assert (again.step, again.attempts) == (2, 5)


async def test_nobody_releases_what_another_holds(tx: Transaction) -> None:
    await add_delivery(tx)
    late = await claim_deliveries(tx, "sender_1")
    held = await claim_deliveries(tx, "sender_2", now=NOW + LEASE)
    await deliveries.release(tx, late, "sender_1", NOW)
    await deliveries.release(tx, late, "sender_2", NOW)
    assert len(await deliveries.held(tx, held, "sender_2")) == 1


async def test_a_process_that_is_alone_frees_all_leases(tx: Transaction) -> None:
    first, cancelled = await add_delivery(tx), await add_delivery(tx)
    await claim_deliveries(tx)
    await tx.execute(
        update(tables.deliveries).where(tables.deliveries.c.id == cancelled).values(status="cancelled", next_at=None)
    )
    later = await add_delivery(tx, created_at=NOW + 50)
    assert await deliveries.release_all(tx, NOW + 1) == 2
    assert [each.id for each in await claim_deliveries(tx, now=NOW + 1)] == [first]
    assert (await row(tx, tables.deliveries, later))["next_at"] == NOW + 50
