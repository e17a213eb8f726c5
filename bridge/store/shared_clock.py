"""The one row in which replicas on PostgreSQL agree about time.

``moved`` says by how much all waits have been moved so far. Whoever writes reads it first, and with it says that it
writes; whoever moves all waits has nobody write meanwhile. So nobody writes by the old time what was moved already.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.store.tables import clock

# A writer that hangs must not hold up all others for longer than this, behind the one that waits for it.
_PATIENCE = "3s"
# Built once: every transaction that writes begins with it.
_ENTER = select(clock.c.moved).with_for_update(read=True, key_share=True)


@dataclass(frozen=True, slots=True)
class SharedClock:
    """The row.

    :param seen_at: the last time of the server that any replica lived at, Unix seconds; 0 when none has yet.
    :param moved: by how much all waits have been moved so far, seconds.
    """

    seen_at: float
    moved: float


async def enter(tx: AsyncConnection) -> float:
    """Keep others from moving all waits until this transaction ends. Returns by how much they were moved by now.

    The lock is the weakest there is for a row (as foreign keys take it): it lets :func:`see` through.
    """
    moved: float = (await tx.execute(_ENTER)).scalar_one()
    return moved


async def stop(tx: AsyncConnection) -> SharedClock:
    """Have nobody else write until this transaction ends. It must be the first thing the transaction does.

    It is a lock of the table, not of the row: those who wait for a table queue, whereas ever new readers of a row would
    overtake who waits to change it. Whoever entered already would wait for others that wait for it.

    :raises sqlalchemy.exc.DBAPIError: somebody writes for very long.
    """
    await tx.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    await tx.execute(text("LOCK TABLE clock IN EXCLUSIVE MODE"))
    row = (await tx.execute(select(clock.c.seen_at, clock.c.moved))).one()
    return SharedClock(row.seen_at, row.moved)


async def seen_at(tx: AsyncConnection) -> float:
    """The last time of the server that any replica lived at, Unix seconds; 0 when none has yet."""
    seen: float = (await tx.execute(select(clock.c.seen_at))).scalar_one()
    return seen


async def see(tx: AsyncConnection, at: float) -> None:
    """Write down that a replica lived at this time of the server; an earlier one changes nothing."""
    await tx.execute(update(clock).where(clock.c.seen_at < at).values(seen_at=at))


async def move(tx: AsyncConnection, moved: float, seen_at: float) -> None:
    """Write down by how much all waits have been moved in all, and the time of the server then."""
    await tx.execute(update(clock).values(moved=moved, seen_at=seen_at))
