"""Moving all that waits, when the clock was set: no wait gets shorter or longer than it was meant to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, Table, and_, case, exists, func, or_, select, update

from bridge.models import DeliveryStatus, WatchStatus
from bridge.store.database import Transaction
from bridge.store.tables import attempts, deliveries, targets, videos, watches

_WAITING: Mapping[Table, Sequence[Column[float | None]]] = {
    videos: (videos.c.next_at, videos.c.lease_until, videos.c.looked_at, videos.c.missing_since, videos.c.deadline),
    deliveries: (deliveries.c.next_at, deliveries.c.lease_until),
    targets: (targets.c.next_send_at, targets.c.held_until, targets.c.opened_at, targets.c.probe_at),
}
# Nobody leases for longer, seconds.
_LONGEST_LEASE = 600.0
# Nor does the rate of any kind keep two messages so far apart.
_LONGEST_GAP = 60.0


async def shift(tx: Transaction, by: float) -> None:
    """Move every moment that something waits for by so many seconds."""
    for table, columns in _WAITING.items():
        waits = or_(*(column.is_not(None) for column in columns))
        await tx.execute(update(table).where(waits).values({column.name: column + by for column in columns}))
    live = watches.c.status == WatchStatus.WATCHING.value
    await tx.execute(update(watches).where(live).values(expires_at=watches.c.expires_at + by))


async def heal(tx: Transaction, now: float, *, longest_wait: float) -> None:
    """Put right what a clock that was set back would silence: what was last touched in the future.

    It is as far away as it was from that touch. May be done again and by anybody.

    :param longest_wait: between two looks at a video, seconds.
    """
    await tx.execute(
        update(videos)
        .where(videos.c.next_at.is_not(None), videos.c.looked_at > now)
        .values(
            next_at=case(
                (videos.c.next_at > videos.c.looked_at, now + videos.c.next_at - videos.c.looked_at), else_=now
            ),
            looked_at=now,
            missing_since=case((videos.c.missing_since > now, now), else_=videos.c.missing_since),
        )
    )
    await tx.execute(
        update(videos)
        .where(videos.c.next_at > now + longest_wait, videos.c.created_at > now)
        .values(next_at=now + longest_wait)
    )
    await tx.execute(
        update(videos)
        .where(videos.c.lease_until > now + _LONGEST_LEASE)
        .values(lease_owner=None, lease_until=None, next_at=now, fence=videos.c.fence + 1)
    )
    await _heal_deliveries(tx, now)
    for column, longest in ((targets.c.next_send_at, _LONGEST_GAP), (targets.c.probe_at, _LONGEST_LEASE)):
        await tx.execute(update(targets).where(column > now + longest).values({column.name: now}))


async def _heal_deliveries(tx: Transaction, now: float) -> None:
    pending = and_(deliveries.c.status == DeliveryStatus.PENDING.value, deliveries.c.next_at > now)
    of_it = attempts.c.delivery_id == deliveries.c.id
    last = select(func.max(attempts.c.at)).where(of_it).scalar_subquery()
    tried = exists().where(of_it, attempts.c.at > now)
    await tx.execute(update(deliveries).where(pending, tried).values(next_at=deliveries.c.next_at - (last - now)))
    untried = and_(deliveries.c.attempts == 0, deliveries.c.created_at > now)
    await tx.execute(update(deliveries).where(pending, untried).values(next_at=now))
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.lease_until > now + _LONGEST_LEASE)
        .values(lease_owner=None, lease_until=None, next_at=case((pending, now)), fence=deliveries.c.fence + 1)
    )
