"""What waits for a target, all at once: held back, let go, given up; and who is told in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, String, and_, bindparam, func, or_, select, update

from bridge.ids import new_id
from bridge.models import DeliveryStatus, EventType, Reason
from bridge.store.database import Transaction
from bridge.store.deliveries import PENDING, FailedDelivery, NewDelivery, new_values
from bridge.store.dialects import upsert
from bridge.store.tables import deliveries, destinations


async def postpone(tx: Transaction, until: Mapping[str, tuple[float, Reason | None]]) -> None:
    """Give claimed deliveries back until their targets may be sent to, with the reason to show; no attempt is burnt."""
    if until:
        await tx.execute(
            update(deliveries)
            .where(deliveries.c.id == bindparam("row"))
            .values(
                next_at=bindparam("v_next_at"),
                reason=func.coalesce(bindparam("v_reason", type_=String), deliveries.c.reason),
                lease_owner=None,
                lease_until=None,
            ),
            [
                {"row": delivery_id, "v_next_at": at, "v_reason": None if reason is None else reason.value}
                for delivery_id, (at, reason) in until.items()
            ],
        )


async def hold_back(tx: Transaction, target: str, until: float, now: float) -> None:
    """The target's breaker is open: none of its deliveries that are due goes sooner; they keep their place.

    One that waits for a time of its own goes on waiting for that, and is held back then: closing the breaker must not
    cut it short. What another replica is claiming just now is left to that, which asks the same breaker.
    """
    shut_out = deliveries.c.reason == Reason.BREAKER_OPEN.value
    due = (
        select(deliveries.c.id)
        .where(
            _waiting_for(target),
            deliveries.c.next_at < until,
            or_(deliveries.c.next_at <= now, shut_out),
            deliveries.c.manual_asked == deliveries.c.manual_done,
        )
        .with_for_update(skip_locked=True)
    )
    await tx.execute(
        update(deliveries).where(deliveries.c.id.in_(due)).values(next_at=until, reason=Reason.BREAKER_OPEN.value)
    )


async def let_go(tx: Transaction, target: str, now: float) -> None:
    """The target's breaker has closed: what waited for that goes now."""
    await tx.execute(
        update(deliveries)
        .where(_waiting_for(target), deliveries.c.reason == Reason.BREAKER_OPEN.value, deliveries.c.next_at > now)
        .values(next_at=now)
    )


async def fail_pending(tx: Transaction, target: str) -> list[FailedDelivery]:
    """The target is disabled: what waits for it is kept as failed, to be retried by hand."""
    ended = await tx.execute(
        update(deliveries)
        .where(_waiting_for(target), deliveries.c.manual_asked == deliveries.c.manual_done)
        .values(status=DeliveryStatus.FAILED.value, reason=Reason.DISABLED.value, next_at=None)
        .returning(deliveries.c.event_id, deliveries.c.event_type, deliveries.c.watch_id, deliveries.c.destination_id)
    )
    return [FailedDelivery(row[0], EventType(row[1]), row[2], row[3]) for row in ended]


def _waiting_for(target: str) -> ColumnElement[bool]:
    pending = and_(deliveries.c.status == PENDING, deliveries.c.lease_owner.is_(None))
    return and_(deliveries.c.target == target, pending)


async def stand_in(tx: Transaction, failed: Sequence[FailedDelivery], now: float) -> int:
    """Tell the destinations that stand in for those of failed deliveries; how many were told.

    One that has a delivery of the same event already is not told again, so nobody is told twice, and never in a circle.
    """
    other = destinations.alias("other")
    query = (
        select(destinations.c.id, other.c.id, other.c.target, other.c.host)
        .join(other, other.c.name == destinations.c.fallback)
        .where(destinations.c.id.in_({each.destination_id for each in failed}))
    )
    stand_ins = {row[0]: row[1:] for row in await tx.execute(query)} if failed else {}
    rows = [
        new_values(
            NewDelivery(
                new_id("dlv"), each.event_id, each.event_type, each.watch_id, *stand_ins[each.destination_id], now
            )
        )
        for each in failed
        if each.destination_id in stand_ins
    ]
    return await upsert(tx, deliveries, rows, key=("event_id", "destination_id"))
