"""Forgetting: ended watches with all that belongs to them, and what nobody refers to any more."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, exists, or_, select

from bridge.models import DeliveryStatus
from bridge.store.database import Transaction
from bridge.store.stored_destinations import DELETED
from bridge.store.tables import deliveries, destinations, targets, videos, watch_destinations, watches

BATCH = 200
"""How many watches are forgotten in one transaction at most."""


async def purge(tx: Transaction, *, before: float, dead_before: float, limit: int = BATCH) -> int:
    """Delete watches that ended before ``before``, the oldest first; how many.

    Events, deliveries and attempts go with their watch. One with a delivery that failed for good is kept until it is
    older than ``dead_before``, one with a delivery that is pending for as long as that is.
    """
    of_it = deliveries.c.watch_id == watches.c.id
    pending = exists().where(of_it, deliveries.c.status == DeliveryStatus.PENDING.value)
    failed = exists().where(of_it, deliveries.c.status == DeliveryStatus.FAILED.value)
    query = (
        select(watches.c.id, watches.c.video)
        .where(watches.c.ended_at < before, ~pending, or_(watches.c.ended_at < dead_before, ~failed))
        .order_by(watches.c.ended_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    old = (await tx.execute(query)).all()
    if not old:
        return 0
    ids = [row[0] for row in old]
    told = await _told(tx, ids)
    await tx.execute(delete(watches).where(watches.c.id.in_(ids)))
    await _purge_videos(tx, {row[1] for row in old})
    await _purge_destinations(tx, told)
    return len(old)


async def _told(tx: Transaction, watch_ids: Collection[str]) -> set[str]:
    """The destinations of watches, and those that stood in for them."""
    linked = select(watch_destinations.c.destination_id).where(watch_destinations.c.watch_id.in_(watch_ids))
    sent = select(deliveries.c.destination_id).where(deliveries.c.watch_id.in_(watch_ids))
    return set((await tx.execute(linked.union(sent))).scalars())


async def _purge_videos(tx: Transaction, row_ids: Collection[str]) -> None:
    watched = exists().where(watches.c.video == videos.c.id)
    await tx.execute(delete(videos).where(videos.c.id.in_(row_ids), ~watched))


async def _purge_destinations(tx: Transaction, ids: Collection[str]) -> None:
    """Delete those that were given inside a watch, or deleted, and that nothing refers to; their targets, too."""
    unused = [
        destinations.c.origin.in_(("inline", DELETED)),
        ~exists().where(watch_destinations.c.destination_id == destinations.c.id),
        ~exists().where(deliveries.c.destination_id == destinations.c.id),
    ]
    gone = await tx.execute(
        delete(destinations).where(destinations.c.id.in_(ids), *unused).returning(destinations.c.target)
    )
    await tx.execute(
        delete(targets).where(
            targets.c.target.in_(set(gone.scalars())),
            ~exists().where(destinations.c.target == targets.c.target),
            ~exists().where(deliveries.c.target == targets.c.target),
        )
    )
