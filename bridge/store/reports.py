"""Deliveries as people and scrapers see them: pages, single ones with their attempts, counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, RowMapping, func, or_, select

from bridge.models import (
    Attempt,
    DeliveryStatus,
    DeliveryView,
    DestinationView,
    EventType,
    Outcome,
    Page,
    PageRequest,
    Reason,
    Trigger,
)
from bridge.store import destinations as destinations_store
from bridge.store.database import Transaction
from bridge.store.tables import attempts, deliveries, destinations


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries a list shows; None shows all. ``destination`` is a name or an id."""

    status: DeliveryStatus | None = None
    watch_id: str | None = None
    destination: str | None = None


async def delivery(tx: Transaction, delivery_id: str) -> DeliveryView | None:
    """One delivery with its attempts and the body that was sent."""
    query = select(deliveries).where(deliveries.c.id == delivery_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    body = row["body"]
    (view,) = await _views(tx, [row])
    return view if body is None else replace(view, request_body=body.decode("utf-8", "replace"))


async def delivery_page(tx: Transaction, request: PageRequest, filter: DeliveryFilter) -> Page[DeliveryView]:
    """One page of deliveries with their attempts, newest first unless asked otherwise."""
    conditions: list[ColumnElement[bool]] = []
    if filter.status is not None:
        conditions.append(deliveries.c.status == filter.status.value)
    if filter.watch_id is not None:
        conditions.append(deliveries.c.watch_id == filter.watch_id)
    if filter.destination is not None:
        named = select(destinations.c.id).where(
            or_(destinations.c.name == filter.destination, destinations.c.id == filter.destination)
        )
        conditions.append(deliveries.c.destination_id.in_(named))
    if request.after is not None:
        conditions.append(deliveries.c.id < request.after if request.descending else deliveries.c.id > request.after)
    order = deliveries.c.id.desc() if request.descending else deliveries.c.id.asc()
    query = select(deliveries).where(*conditions).order_by(order).limit(request.limit + 1)
    rows = (await tx.execute(query)).mappings().all()
    return Page(await _views(tx, rows[: request.limit]), len(rows) > request.limit)


async def destination_id(tx: Transaction, name_or_id: str) -> str | None:
    """The id of the destination of this name or id."""
    query = select(destinations.c.id).where(or_(destinations.c.name == name_or_id, destinations.c.id == name_or_id))
    return (await tx.execute(query)).scalars().first()


async def delivery_counts(tx: Transaction) -> dict[DeliveryStatus, int]:
    """How many deliveries there are, by status."""
    query = select(deliveries.c.status, func.count()).group_by(deliveries.c.status)
    return {DeliveryStatus(row[0]): row[1] for row in await tx.execute(query)}


async def oldest_pending(tx: Transaction) -> float | None:
    """When the oldest delivery that is still pending was created."""
    # Ids are ordered by time, so this is the first entry of an index.
    query = (
        select(deliveries.c.created_at)
        .where(deliveries.c.status == DeliveryStatus.PENDING.value)
        .order_by(deliveries.c.id)
        .limit(1)
    )
    found: float | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def _views(tx: Transaction, rows: Sequence[RowMapping]) -> list[DeliveryView]:
    told = await destinations_store.views(tx, {row["destination_id"] for row in rows})
    made = await _attempts(tx, [row["id"] for row in rows])
    return [_view(row, told[row["destination_id"]], made[row["id"]]) for row in rows]


async def _attempts(tx: Transaction, delivery_ids: Sequence[str]) -> Mapping[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = defaultdict(list)
    query = (
        select(attempts)
        .where(attempts.c.delivery_id.in_(delivery_ids))
        .order_by(attempts.c.delivery_id, attempts.c.number)
    )
    for row in (await tx.execute(query)).mappings():
        found[row["delivery_id"]].append(
            Attempt(
                number=row["number"],
                at=row["at"],
                duration_ms=row["duration_ms"],
                outcome=Outcome(row["outcome"]),
                reason=row["reason"] and Reason(row["reason"]),
                status=row["status"],
                response=row["response"],
                trigger=Trigger(row["trigger"]),
            )
        )
    return found


def _view(row: RowMapping, destination: DestinationView, made: Sequence[Attempt]) -> DeliveryView:
    return DeliveryView(
        id=row["id"],
        watch_id=row["watch_id"],
        event_id=row["event_id"],
        event_type=EventType(row["event_type"]),
        status=DeliveryStatus(row["status"]),
        destination=destination,
        created_at=row["created_at"],
        # Of one that is being tried right now the column holds the end of the lease.
        next_attempt_at=None if row["lease_owner"] is not None else row["next_at"],
        delivered_at=row["delivered_at"],
        reason=row["reason"] and Reason(row["reason"]),
        degraded=row["degraded"],
        attempts=tuple(made),
    )
