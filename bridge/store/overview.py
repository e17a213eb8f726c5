"""What the dashboard's overview and the health of destinations are made of: figures over the latest of each thing.

Every query is bounded: by an hour's or a day's worth of an index, or by the latest so many rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from bridge.models import DeliveryStatus, EventType, Outcome, WatchStatus
from bridge.store.database import Transaction
from bridge.store.dialects import hour_of
from bridge.store.tables import attempts, deliveries, destinations, events, targets, videos, watches

HOUR = 3600


@dataclass(frozen=True, slots=True)
class RawHealth:
    """The latest attempts to a destination, and the breaker of its target.

    :param durations: of those attempts that were answered with success, milliseconds.
    :param probe_at: when the open breaker lets one through; None while it is closed.
    """

    attempts: int = 0
    delivered: int = 0
    durations: Sequence[int] = ()
    last_at: float | None = None
    breaker_open: bool = False
    probe_at: float | None = None


async def health(tx: Transaction, destination_ids: Collection[str], latest: int) -> dict[str, RawHealth]:
    """How the latest deliveries to each of these destinations went.

    :param latest: so many deliveries of each are looked at.
    """
    return {each: await _health_of(tx, each, latest) for each in destination_ids}


async def _health_of(tx: Transaction, destination_id: str, latest: int) -> RawHealth:
    recent = (
        select(deliveries.c.id)
        .where(deliveries.c.destination_id == destination_id)
        .order_by(deliveries.c.id.desc())
        .limit(latest)
    )
    query = select(attempts.c.outcome, attempts.c.duration_ms, attempts.c.at).where(attempts.c.delivery_id.in_(recent))
    made = (await tx.execute(query)).all()
    durations = [row.duration_ms for row in made if row.outcome == Outcome.DELIVERED.value]
    breaker = (
        select(targets.c.opened_at, targets.c.probe_at)
        .join(destinations, destinations.c.target == targets.c.target)
        .where(destinations.c.id == destination_id)
    )
    row = (await tx.execute(breaker)).one_or_none()
    is_open = row is not None and row.opened_at is not None
    return RawHealth(
        attempts=len(made),
        delivered=len(durations),
        durations=durations,
        last_at=max((each.at for each in made), default=None),
        breaker_open=is_open,
        probe_at=row.probe_at if row is not None and is_open else None,
    )


async def ended_per_hour(tx: Transaction, since: float) -> dict[int, dict[WatchStatus, int]]:
    """How many watches ended in each hour since then, by how; hours are counted from 1970."""
    hour = hour_of(watches.c.ended_at).label("hour")
    query = (
        select(hour, watches.c.status, func.count()).where(watches.c.ended_at >= since).group_by(hour, watches.c.status)
    )
    found: dict[int, dict[WatchStatus, int]] = defaultdict(dict)
    for number, status, count in await tx.execute(query):
        found[int(number)][WatchStatus(status)] = count
    return found


async def detection_delays(tx: Transaction, latest: int) -> list[float]:
    """From the provider's ``completed_at`` to our event, seconds, of the latest watches that ended."""
    recent = (
        select(watches.c.id)
        .where(watches.c.ended_at.is_not(None))
        .order_by(watches.c.ended_at.desc())
        .limit(latest)
        .subquery()
    )
    query = select(events.c.created_at, events.c.video).where(
        events.c.watch_id.in_(select(recent.c.id)), events.c.type == EventType.VIDEO_COMPLETED.value
    )
    found = [(row.created_at, row.video.get("completed_at")) for row in await tx.execute(query)]
    return [max(0.0, told - completed) for told, completed in found if completed is not None]


async def delivery_latencies(tx: Transaction, latest: int) -> list[float]:
    """From event to delivered, seconds, of the latest deliveries."""
    query = (
        select(deliveries.c.created_at, deliveries.c.delivered_at)
        .where(deliveries.c.status == DeliveryStatus.DELIVERED.value)
        .order_by(deliveries.c.id.desc())
        .limit(latest)
    )
    return [max(0.0, row.delivered_at - row.created_at) for row in await tx.execute(query) if row.delivered_at]


async def looks_spent(tx: Transaction, latest: int) -> list[int]:
    """How many looks the videos of the latest ended watches took."""
    recent = (
        select(watches.c.video)
        .where(watches.c.ended_at.is_not(None))
        .order_by(watches.c.ended_at.desc())
        .limit(latest)
        .subquery()
    )
    query = select(videos.c.looks).where(videos.c.id.in_(select(recent.c.video)), videos.c.looks > 0)
    return list((await tx.execute(query)).scalars())


async def latest_results(tx: Transaction, watch_ids: Sequence[str]) -> Mapping[tuple[str, str], DeliveryStatus]:
    """By watch and destination, how telling it went."""
    if not watch_ids:
        return {}
    query = (
        select(deliveries.c.watch_id, deliveries.c.destination_id, deliveries.c.status)
        .where(deliveries.c.watch_id.in_(watch_ids))
        .order_by(deliveries.c.id)
    )
    return {(row.watch_id, row.destination_id): DeliveryStatus(row.status) for row in await tx.execute(query)}
