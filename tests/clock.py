"""Clocks that tests move by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools

from bridge.clock import SystemClock


class ManualClock:
    """A clock that stands still until :meth:`advance` moves it; sleepers wake in order."""

    def __init__(self, start: float = 1_763_870_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    @property
    def awaited(self) -> bool:
        """Whether somebody sleeps."""
        return any(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move time on, waking each sleeper at its own moment and letting it run."""
        end = self._now + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self) -> None:
        """Let everything that can run without time passing run."""
        for _ in range(20):
            await asyncio.sleep(0)


class LoopClock(SystemClock):
    """The machine's clock, but going on with the event loop: what the machine keeps for itself is no time for it."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class AutoClock:
    """A clock whose :meth:`sleep` passes the time at once, and remembers how long."""

    def __init__(self, start: float = 1_763_870_000.0) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += max(0.0, seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move time on (or back)."""
        self._now += seconds
