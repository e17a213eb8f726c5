"""Deliveries: the outbox. Claimed by a lease, attempted, concluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, bindparam, case, func, insert, select, update

from bridge.models import Attempt, DeliveryStatus, EventType, Reason
from bridge.store.database import Transaction
from bridge.store.dialects import among
from bridge.store.prepared import Prepared
from bridge.store.stored_destinations import DELETED
from bridge.store.tables import attempts, deliveries, destinations, events

PENDING = DeliveryStatus.PENDING.value
FIRST, RETRY = 0, 1

_HELD = (
    select(deliveries.c.id, deliveries.c.fence, deliveries.c.status, deliveries.c.step, deliveries.c.manual_asked)
    .where(among(deliveries.c.id, "ids"), deliveries.c.lease_owner == bindparam("owner"))
    .with_for_update()
)
_CONCLUSION = ("status", "reason", "step", "turn", "next_at", "delivered_at", "manual_done", "attempts")
_CONCLUDE = Prepared(
    update(deliveries)
    .where(deliveries.c.id == bindparam("row"))
    .values(
        {name: bindparam(f"v_{name}") for name in _CONCLUSION}
        | {"lease_owner": None, "lease_until": None}
        # That it once arrived stays true when a later attempt, made by hand, does not.
        | {"delivered_at": func.coalesce(bindparam("v_delivered_at"), deliveries.c.delivered_at)}
    ),
    ("row", *(f"v_{name}" for name in _CONCLUSION)),
)
_KEEP_BODY = Prepared(
    update(deliveries)
    .where(deliveries.c.id == bindparam("row"))
    .values(body=bindparam("v_body"), degraded=bindparam("v_degraded")),
    ("row", "v_body", "v_degraded"),
)
_ADD_ATTEMPT = Prepared(insert(attempts), [column.name for column in attempts.c])


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it is told; ``video`` is the Video object at that moment."""

    id: str
    watch_id: str
    type: EventType
    created_at: float
    video: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One event for one destination, due at once."""

    id: str
    event_id: str
    event_type: EventType
    watch_id: str
    destination_id: str
    target: str
    host: str
    created_at: float


@dataclass(slots=True)
class ClaimedDelivery:
    """A delivery under our lease, with all that sending it needs.

    It is not frozen, since of those one is made for every attempt and frozen ones take more than twice as long to make;
    only its body is set later, once it is rendered.

    :param claimed_at: when the lease began, on the database's clock.
    :param enabled: neither the destination nor its target is disabled.
    :param manual_asked: how often somebody asked for a retry; above ``manual_done`` this attempt is a manual one.
    """

    id: str
    fence: int
    event_id: str
    event_type: EventType
    event_at: float
    video: Mapping[str, Any]
    watch_id: str
    watch_created_at: float
    watch_metadata: Mapping[str, str]
    provider: str
    destination_id: str
    origin: str
    kind: str
    target: str
    host: str
    config: bytes = field(repr=False)
    enabled: bool
    claimed_at: float
    created_at: float
    body: bytes | None = field(repr=False)
    step: int
    attempts: int
    manual_asked: int
    manual_done: int

    @property
    def manual(self) -> bool:
        """Whether somebody asked for this attempt."""
        return self.manual_asked > self.manual_done


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """The present state of a delivery whose lease is still ours."""

    status: DeliveryStatus
    step: int
    manual_asked: int


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What one attempt writes into its delivery. ``next_at`` is None when nothing more is due.

    ``lesser_body`` takes the place of a body that the receiver refused.
    """

    id: str
    status: DeliveryStatus
    reason: Reason | None
    step: int
    next_at: float | None
    delivered_at: float | None
    manual_done: int
    attempts: int
    lesser_body: bytes | None = None

    @property
    def turn(self) -> int:
        """0 for what goes before late retries."""
        return RETRY if self.status is DeliveryStatus.PENDING and self.step else FIRST


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery that ended as a dead letter, as far as telling somebody else depends on it."""

    event_id: str
    event_type: EventType
    watch_id: str
    destination_id: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body to store. ``degraded``: a lesser form of what the destination was meant to get."""

    body: bytes
    degraded: bool = False


async def add(tx: Transaction, new_events: Sequence[NewEvent], new_deliveries: Sequence[NewDelivery]) -> None:
    """Insert events and their deliveries."""
    if new_events:
        await tx.execute(
            insert(events),
            [
                {
                    "id": each.id,
                    "watch_id": each.watch_id,
                    "type": each.type.value,
                    "created_at": each.created_at,
                    "video": dict(each.video),
                }
                for each in new_events
            ],
        )
    if new_deliveries:
        await tx.execute(insert(deliveries), [new_values(each) for each in new_deliveries])


async def store_bodies(tx: Transaction, rendered: Mapping[str, Rendered], owner: str) -> dict[str, bytes]:
    """Keep what was rendered, before it is sent for the first time; what is to be sent.

    :returns: bodies by delivery. One whose lease is no longer ours is left out, one that has a body keeps that.
    """
    if rendered:
        await tx.execute(
            update(deliveries)
            .where(deliveries.c.id == bindparam("row"), deliveries.c.lease_owner == owner, deliveries.c.body.is_(None))
            .values(body=bindparam("v_body"), degraded=bindparam("v_degraded")),
            [
                {"row": delivery_id, "v_body": each.body, "v_degraded": each.degraded}
                for delivery_id, each in rendered.items()
            ],
        )
    query = select(deliveries.c.id, deliveries.c.body).where(
        deliveries.c.id.in_(rendered), deliveries.c.lease_owner == owner
    )
    return {row[0]: row[1] for row in await tx.execute(query)}


async def keep_bodies(tx: Transaction, rendered: Mapping[str, Rendered]) -> None:
    """Keep what was rendered of deliveries that were claimed in this transaction and have no body."""
    await _KEEP_BODY.run(tx, [(row, each.body, each.degraded) for row, each in rendered.items()])


async def held(tx: Transaction, claims: Sequence[ClaimedDelivery], owner: str) -> dict[tuple[str, int], HeldDelivery]:
    """The present state of those claimed deliveries whose lease is still ours; a late owner gets nothing.

    :returns: states by id and fence: one owner may come with two leases of one delivery, after it stood still.
    """
    fences = {(claim.id, claim.fence) for claim in claims}
    rows = await tx.execute(_HELD, {"ids": {row for row, _ in fences}, "owner": owner})
    return {
        (row, fence): HeldDelivery(DeliveryStatus(status), step, manual_asked)
        for row, fence, status, step, manual_asked in rows
        if (row, fence) in fences
    }


async def conclude(tx: Transaction, conclusions: Sequence[Conclusion], made: Sequence[tuple[str, Attempt]]) -> None:
    """Write what attempts came to, and the attempts themselves; gives the leases up."""
    await _CONCLUDE.run(
        tx,
        [
            (
                each.id,
                each.status.value,
                each.reason and each.reason.value,
                each.step,
                each.turn,
                each.next_at,
                each.delivered_at,
                each.manual_done,
                each.attempts,
            )
            for each in conclusions
        ],
    )
    await _KEEP_BODY.run(
        tx, [(each.id, each.lesser_body, True) for each in conclusions if each.lesser_body is not None]
    )
    await _ADD_ATTEMPT.run(tx, [_attempt_values(delivery_id, attempt) for delivery_id, attempt in made])


async def release(tx: Transaction, claims: Sequence[ClaimedDelivery], owner: str, now: float) -> None:
    """Give up leases whose attempt was cut: due again at once, no attempt burnt."""
    if claims:
        await tx.execute(
            update(deliveries)
            .where(
                deliveries.c.id == bindparam("row"),
                deliveries.c.fence == bindparam("row_fence"),
                deliveries.c.lease_owner == owner,
            )
            .values(lease_owner=None, lease_until=None, next_at=case((deliveries.c.status == PENDING, now))),
            [{"row": each.id, "row_fence": each.fence} for each in claims],
        )


async def release_all(tx: Transaction, now: float) -> int:
    """Give up every lease: for a process that knows it is alone. Returns how many there were."""
    result = await tx.execute(
        update(deliveries)
        .where(deliveries.c.lease_owner.is_not(None))
        .values(lease_owner=None, lease_until=None, next_at=case((deliveries.c.status == PENDING, now)))
    )
    return result.rowcount


async def ask_retry(tx: Transaction, delivery_id: str, now: float) -> DeliveryStatus | None:
    """Make a delivery due now by hand; its status before, None when there is no such delivery.

    A cancelled one is left as it is. One that is being sent right now is only marked: its result decides.
    """
    query = select(deliveries.c.status).where(deliveries.c.id == delivery_id).with_for_update()
    status = (await tx.execute(query)).scalar_one_or_none()
    if status is None:
        return None
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.status != DeliveryStatus.CANCELLED.value)
        .values(_retry_values(now))
    )
    return DeliveryStatus(status)


async def ask_retry_failed(tx: Transaction, *, since: float | None, destination_id: str | None, now: float) -> int:
    """Make all failed deliveries that match due now, but for those whose destination was deleted; how many."""
    deleted = select(destinations.c.id).where(destinations.c.origin == DELETED)
    condition = and_(deliveries.c.status == DeliveryStatus.FAILED.value, deliveries.c.destination_id.not_in(deleted))
    if since is not None:
        condition = and_(condition, deliveries.c.created_at >= since)
    if destination_id is not None:
        condition = and_(condition, deliveries.c.destination_id == destination_id)
    return (await tx.execute(update(deliveries).where(condition).values(_retry_values(now)))).rowcount


async def cancel_pending(tx: Transaction, watch_id: str) -> int:
    """Cancel the deliveries of a watch that are still pending; how many. One in flight keeps its lease to report."""
    result = await tx.execute(
        update(deliveries)
        .where(deliveries.c.watch_id == watch_id, deliveries.c.status == PENDING)
        .values(status=DeliveryStatus.CANCELLED.value, next_at=None)
    )
    return result.rowcount


def _retry_values(now: float) -> dict[str, Any]:
    return {
        "status": PENDING,
        "reason": None,
        "step": 0,
        "turn": FIRST,
        "manual_asked": deliveries.c.manual_asked + 1,
        "next_at": case((deliveries.c.lease_owner.is_(None), now), else_=deliveries.c.next_at),
    }


def new_values(new: NewDelivery) -> dict[str, Any]:
    """The row of a new delivery."""
    return {
        "id": new.id,
        "event_id": new.event_id,
        "event_type": new.event_type.value,
        "watch_id": new.watch_id,
        "destination_id": new.destination_id,
        "target": new.target,
        "host": new.host,
        "status": PENDING,
        "degraded": False,
        "created_at": new.created_at,
        "step": 0,
        "attempts": 0,
        "manual_asked": 0,
        "manual_done": 0,
        "turn": FIRST,
        "next_at": new.created_at,
        "fence": 0,
    }


def _attempt_values(delivery_id: str, attempt: Attempt) -> tuple[Any, ...]:
    return (
        delivery_id,
        attempt.number,
        attempt.at,
        attempt.duration_ms,
        attempt.outcome.value,
        attempt.reason and attempt.reason.value,
        attempt.status,
        attempt.response,
        attempt.trigger.value,
    )
