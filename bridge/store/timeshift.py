"""Moving all that waits, when the clock was set: no wait gets shorter or longer than it was meant to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from bridge.models import DeliveryStatus, WatchStatus
from bridge.store.database import Transaction
from bridge.store.tables import archives, attempts, deliveries, lanes, providers, targets, videos, watches

_PENDING = deliveries.c.status == DeliveryStatus.PENDING.value
_TARGET_TIMES = (targets.c.next_send_at, targets.c.held_until, targets.c.opened_at, targets.c.probe_at)
# What was touched so much later than now was touched before the clock was set back; less is what clocks differ by.
_TOLERANCE = 1.0
# Nobody leases for longer than an attempt may take and what is allowed around it, seconds.
_LONGEST_LEASE = 330.0
# Nor does a breaker wait longer for its probe.
_LONGEST_PROBE = 600.0
# Nor does the rate of any kind keep two messages so far apart.
_LONGEST_GAP = 60.0


async def shift(tx: Transaction, by: float) -> None:
    """Move every moment that something waits for, and those it is counted from, by so many seconds."""
    waiting = ("next_at", "lease_until", "looked_at", "missing_since", "deadline", "created_at", "pushed_at")
    await tx.execute(
        update(videos).where(videos.c.next_at.is_not(None)).values({name: videos.c[name] + by for name in waiting})
    )
    tried = select(deliveries.c.id).where(_PENDING)
    await tx.execute(update(attempts).where(attempts.c.delivery_id.in_(tried)).values(at=attempts.c.at + by))
    names = ("next_at", "lease_until", "created_at")
    leased = deliveries.c.lease_until.is_not(None)  # one that was cancelled while it is being sent
    await tx.execute(update(deliveries).where(or_(_PENDING, leased)).values({n: deliveries.c[n] + by for n in names}))
    said = or_(*(column.is_not(None) for column in _TARGET_TIMES))
    await tx.execute(update(targets).where(said).values({column.name: column + by for column in _TARGET_TIMES}))
    live = watches.c.status == WatchStatus.WATCHING.value
    await tx.execute(update(watches).where(live).values(expires_at=watches.c.expires_at + by))
    names = ("next_at", "lease_until", "created_at")
    wanted = archives.c.next_at.is_not(None)
    await tx.execute(update(archives).where(wanted).values({name: archives.c[name] + by for name in names}))
    await _move_providers(tx, lambda _touched: by)
    # What a clock that is set back leaves there far ahead, readers take for nothing.
    reserved = ("next_slot", "slowed_at", "sweep_until")
    await tx.execute(update(lanes).values({name: lanes.c[name] + by for name in reserved}))


async def heal(tx: Transaction, now: float, *, longest_wait: float) -> None:
    """Put right what a clock that was set back would silence: what was last touched in the future.

    It waits as long from now on as it did from that touch, and counts as touched now. So it may be done again, and by
    anybody, and changes nothing then. A lease stays its owner's, but no longer than any lease lasts.

    :param longest_wait: between two looks at a video, seconds.
    """
    await _heal_videos(tx, now, longest_wait)
    await _heal_targets(tx, now)
    await _heal_deliveries(tx, now)
    await _move_providers(tx, lambda touched: now - touched if touched > now + _TOLERANCE else 0.0)


async def _heal_videos(tx: Transaction, now: float, longest_wait: float) -> None:
    planned = videos.c.next_at - videos.c.looked_at
    await tx.execute(
        update(videos)
        .where(videos.c.next_at.is_not(None), videos.c.looked_at > now + _TOLERANCE)
        .values(
            next_at=case((planned > 0, now + planned), else_=now),
            looked_at=now,
            missing_since=case((videos.c.missing_since > now, now), else_=videos.c.missing_since),
        )
    )
    await tx.execute(
        update(videos)
        .where(videos.c.next_at > now + longest_wait, videos.c.looked_at.is_(None), videos.c.created_at > now)
        .values(next_at=now + longest_wait)
    )
    await tx.execute(
        update(videos)
        .where(videos.c.lease_until > now + _LONGEST_LEASE)
        .values(lease_until=now + _LONGEST_LEASE, next_at=now + _LONGEST_LEASE)
    )


async def _heal_deliveries(tx: Transaction, now: float) -> None:
    last = func.max(attempts.c.at)
    query = (
        select(deliveries.c.id, last)
        .join(attempts, attempts.c.delivery_id == deliveries.c.id)
        .where(_PENDING)
        .group_by(deliveries.c.id)
        .having(last > now + _TOLERANCE)
    )
    moved = [{"row": row[0], "v_by": now - row[1]} for row in await tx.execute(query)]
    if moved:
        by: Any = bindparam("v_by")
        waits = and_(deliveries.c.id == bindparam("row"), deliveries.c.next_at > now)
        await tx.execute(update(deliveries).where(waits).values(next_at=deliveries.c.next_at + by), moved)
        its = and_(attempts.c.delivery_id == bindparam("row"), attempts.c.at > now)
        await tx.execute(update(attempts).where(its).values(at=attempts.c.at + by), moved)
    untried = and_(deliveries.c.attempts == 0, deliveries.c.created_at > now + _TOLERANCE)
    await tx.execute(update(deliveries).where(_PENDING, deliveries.c.next_at > now, untried).values(next_at=now))
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.lease_until > now + _LONGEST_LEASE)
        .values(lease_until=now + _LONGEST_LEASE, next_at=case((_PENDING, now + _LONGEST_LEASE)))
    )


async def _heal_targets(tx: Transaction, now: float) -> None:
    """A wish to be left alone is as old as the last attempt that waits for it to pass."""
    last = func.max(attempts.c.at)
    query = (
        select(targets.c.target, last)
        .join(deliveries, deliveries.c.target == targets.c.target)
        .join(attempts, attempts.c.delivery_id == deliveries.c.id)
        .where(targets.c.held_until > now, _PENDING)
        .group_by(targets.c.target)
        .having(last > now + _TOLERANCE)
    )
    moved = [{"row": row[0], "v_by": now - row[1]} for row in await tx.execute(query)]
    if moved:
        by: Any = bindparam("v_by")
        await tx.execute(
            update(targets).where(targets.c.target == bindparam("row")).values(held_until=targets.c.held_until + by),
            moved,
        )
    for column, longest in ((targets.c.next_send_at, _LONGEST_GAP), (targets.c.probe_at, _LONGEST_PROBE)):
        await tx.execute(update(targets).where(column > now + longest).values({column.name: now}))


async def _move_providers(tx: Transaction, by: Callable[[float], float]) -> None:
    """Move what is known of providers.

    :param by: so many seconds, of when that was written down.
    """
    query = select(providers.c.name, providers.c.health, providers.c.updated_at)
    for name, health, touched in (await tx.execute(query.order_by(providers.c.name).with_for_update())).all():
        seconds = by(touched)
        if seconds:
            await tx.execute(
                update(providers)
                .where(providers.c.name == name)
                .values(health=_moved(health, seconds), updated_at=touched + seconds)
            )


def _moved(health: Mapping[str, Any], by: float) -> dict[str, Any]:
    """A provider's standing (:class:`bridge.providers.health.Health`) with its times moved."""
    waits = health["not_before"]
    return {**health, "since": health["since"] + by, "not_before": waits + by if waits else waits}
