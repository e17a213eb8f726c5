"""The loop that keeps the house: time and SQLite's log once a second, old watches once a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from bridge.clock import Clock
from bridge.errors import StoreError, StoreUnavailableError
from bridge.logs import get_logger
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.store import durations, retention, shared_clock, timeshift
from bridge.store.database import Database
from bridge.upkeep.jumps import JUMP, RECENT, Jump, judge

DAY = 86_400.0
PURGE_EVERY = 60.0
_TIME_EVERY = 1.0
_SERVER_TIME_EVERY = 5.0
_BETWEEN_BATCHES = 0.2


class Upkeep:
    """Keeps the database's clock right and forgets what is older than the retention.

    :param wall: the machine's clock, by which this loop sleeps.
    :param retention: how long ended watches are kept, seconds; those with a dead letter twice as long.
    :param bells: of the loops that wait for what is due, for when it is due at another time.
    """

    name = "upkeep"

    def __init__(
        self, database: Database, wall: Clock, metrics: Metrics, *, retention: float, bells: Collection[Bell] = ()
    ) -> None:
        self._database = database
        self._wall = wall
        self._metrics = metrics
        self._retention = retention
        self._bells = bells
        self._lived_from = wall.monotonic() + RECENT
        self._purge_at = wall.monotonic()
        self._away = False
        self._log = get_logger("bridge.upkeep")
        self.alive = False

    async def run(self, stop: asyncio.Event, grace: float = 0.0) -> None:
        """Work until ``stop`` is set. What is under way then is one short transaction, and ends."""
        self.alive = True
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                timer = asyncio.ensure_future(self._wall.sleep(await self.tick()))
                await asyncio.wait({timer, stopped}, return_when=asyncio.FIRST_COMPLETED)
                timer.cancel()
        finally:
            self.alive = False
            stopped.cancel()

    async def tick(self) -> float:
        """Do what is to be done now. Returns for how long that is all, seconds."""
        try:
            await self.keep_time()
            await self._database.move_log()
            now = self._wall.monotonic()
            if now >= self._purge_at:
                more = await self.purge()
                self._purge_at = now + (_BETWEEN_BATCHES if more else PURGE_EVERY)
        except StoreUnavailableError as error:
            if not self._away:
                self._log.warning("database_away", error=str(error))
            self._away = True
            return _SERVER_TIME_EVERY
        self._away = False
        every = _TIME_EVERY if self._database.kind == "sqlite" else _SERVER_TIME_EVERY
        return max(0.0, min(every, self._purge_at - self._wall.monotonic()))

    async def keep_time(self) -> None:
        """Let the database's clock go by the one it is set after, without letting a jump flood or silence.

        Every wait keeps its length: all that waits is moved by as much as the clock. Of several replicas on PostgreSQL
        one does that, and the others follow; one that was merely frozen itself has nothing moved.

        :raises StoreUnavailableError: the database is away.
        """
        shown = await self._database.time()
        clock = self._database.clock
        ahead, moved = shown - clock.now(), clock.moved
        if abs(ahead) < JUMP:
            clock.move(ahead)
            await self._see(shown)
            return
        if self._database.kind == "sqlite":
            await self._shift(ahead)
            whose = Jump.SERVERS
        else:
            whose = await self._settle(ahead, moved)
        for bell in self._bells:
            # The others hear of what was moved, to look anew at what is due when.
            (bell.ring if whose is Jump.SERVERS else bell.wake)()
        if whose is not Jump.NOBODYS:
            self._metrics.clock_jumped()
            self._log.warning("clock_jumped", seconds=round(ahead, 1), waits_moved=whose is Jump.SERVERS)

    async def _see(self, shown: float) -> None:
        """Tell other replicas that time went on to here. Who has just started did not live through it."""
        if self._database.kind == "sqlite" or self._wall.monotonic() < self._lived_from:
            return
        moved = self._database.clock.moved
        async with self._database.write() as tx:
            if self._database.clock.moved == moved:  # else the server was set since it showed that
                await shared_clock.see(tx, shown)

    async def _shift(self, ahead: float) -> None:
        clock, moved = self._database.clock, False
        try:
            async with self._database.write() as tx:
                await timeshift.shift(tx, ahead)
                clock.move(ahead)  # with the rows: whoever has the next turn reads the time in it
                moved = True
        except StoreError:
            if moved:  # but the rows were not
                clock.move(-ahead)
            raise

    async def _settle(self, ahead: float, moved: float) -> Jump:
        """Find out, while no replica writes, whose clock jumped, and put that right.

        :param moved: by how much our clock had been moved when the server was so far ahead.
        """
        database, followed = self._database, None
        try:
            async with database.write_alone() as (tx, shared):
                ahead -= database.clock.moved - moved  # another replica may have been first
                present = database.now()
                whose = judge(ahead, present, shared.seen_at)
                if whose is Jump.SERVERS:
                    await timeshift.shift(tx, ahead)
                    await shared_clock.move(tx, shared.moved + ahead, present + ahead)
                    followed = shared.moved
                    database.follow(shared.moved + ahead)  # with the rows
        except StoreError:
            if followed is not None:  # but the rows were not
                database.follow(followed)
            raise
        if whose is not Jump.SERVERS:
            database.clock.move(ahead)
        return whose

    async def purge(self) -> bool:
        """Forget one batch of what is old. Returns whether there may be more.

        :raises StoreUnavailableError: the database is away.
        """
        now = self._database.now()
        async with self._database.write() as tx:
            await self._database.alone(tx, "registry")
            purged = await retention.purge(tx, before=now - self._retention, dead_before=now - 2 * self._retention)
            await durations.forget_old(tx, now - self._retention)
        if purged:
            self._log.info("purged", watches=purged)
        return purged == retention.BATCH
