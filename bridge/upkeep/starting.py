"""What a start puts right, when the clock was set back while nobody ran."""

from __future__ import annotations

from bridge.store import shared_clock, timeshift
from bridge.store.database import Database
from bridge.upkeep.jumps import JUMP


async def heal_at_start(database: Database, *, longest_wait: float) -> None:
    """Put right what the clock that was set back would silence; where it was not, this changes nothing.

    :param longest_wait: between two looks at a video, seconds.
    :raises StoreUnavailableError: the database is away.
    """
    moved = database.clock.moved
    if database.kind == "postgresql":
        async with database.read() as tx:
            seen_at = await shared_clock.seen_at(tx)
        if seen_at > database.now() + JUMP:
            await _heal_alone(database, longest_wait)
            return
    async with database.write() as tx:
        await database.alone(tx, "start")
        if database.clock.moved == moved:  # else another replica runs, and has moved everything
            await timeshift.heal(tx, database.now(), longest_wait=longest_wait)


async def _heal_alone(database: Database, longest_wait: float) -> None:
    """Heal, and say so: a replica that ran meanwhile must not move the same by as much again."""
    moved = database.clock.moved
    async with database.write_alone() as (tx, shared):
        if database.clock.moved == moved:
            now = database.now()
            back = min(0.0, now - shared.seen_at)
            await timeshift.heal(tx, now, longest_wait=longest_wait)
            await shared_clock.move(tx, shared.moved + back, now)
    await database.set_clock()
