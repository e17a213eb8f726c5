"""The loop that keeps the house: time once a second, old watches once a minute."""

from __future__ import annotations

import asyncio

from bridge.clock import Clock
from bridge.errors import StoreError, StoreUnavailableError
from bridge.logs import get_logger
from bridge.metrics import Metrics
from bridge.store import durations, retention, timeshift
from bridge.store.database import Database

DAY = 86_400.0
# A difference of the clocks from which on one of them has jumped; below, it is drift and followed, seconds.
JUMP = 2.0
PURGE_EVERY = 60.0
_TIME_EVERY = 1.0
_SERVER_TIME_EVERY = 5.0
_BETWEEN_BATCHES = 0.2


class Upkeep:
    """Keeps the database's clock right and forgets what is older than the retention.

    :param wall: the machine's clock, by which this loop sleeps.
    :param retention: how long ended watches are kept, seconds; those with a dead letter twice as long.
    :param longest_wait: between two looks at a video, seconds.
    """

    name = "upkeep"

    def __init__(
        self, database: Database, wall: Clock, metrics: Metrics, *, retention: float, longest_wait: float = 30.0
    ) -> None:
        self._database = database
        self._wall = wall
        self._metrics = metrics
        self._retention = retention
        self._longest_wait = longest_wait
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

        On SQLite every wait keeps its length: all that waits is moved by as much as the clock. The clock of a
        PostgreSQL server is followed as it is, because a difference may as well mean that this process was frozen;
        only what it would silence when set back is put right.

        :raises StoreUnavailableError: the database is away.
        """
        ahead = await self._database.time() - self._database.now()
        if abs(ahead) < JUMP:
            self._database.clock.move(ahead)
            return
        clock, moved = self._database.clock, False
        try:
            async with self._database.write() as tx:
                if self._database.kind == "sqlite":
                    await timeshift.shift(tx, ahead)
                elif ahead < 0:
                    await timeshift.heal(tx, clock.now() + ahead, longest_wait=self._longest_wait)
                clock.move(ahead)  # with the rows: whoever has the next turn reads the time in it
                moved = True
        except StoreError:
            if moved:  # but the rows were not
                clock.move(-ahead)
            raise
        self._metrics.clock_jumped()
        self._log.warning("clock_jumped", seconds=round(ahead, 1))

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
