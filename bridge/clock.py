"""Time as an argument: everything that reads a clock or sleeps is given one of these."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time, monotonic time and sleep. Tests inject one they move by hand."""

    def now(self) -> float:
        """Wall-clock Unix time, seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...


# Linux stops its monotonic clock while the machine is suspended; to us that is a downtime like any other.
_BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Wall-clock Unix time, seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some point in the past. Where the system can tell, the time it slept counts."""
        return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await asyncio.sleep(seconds)


class SteadyClock:
    """Wall-clock time that never jumps by itself: what it showed first, carried on by a monotonic clock.

    Due times and leases are measured by it. Whoever notices that it is wrong moves it (:mod:`bridge.upkeep`).

    :param clock: what it starts from and is carried on by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()
        self.moved = 0.0
        """By how much it was moved in all, seconds: what was read before may have to be moved along."""

    def now(self) -> float:
        """Unix time, seconds."""
        return self._clock.monotonic() + self._offset

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back, nor is moved."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await self._clock.sleep(seconds)

    def move(self, seconds: float) -> None:
        """Show so much more from now on, or less."""
        self._offset += seconds
        self.moved += seconds
