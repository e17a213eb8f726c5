"""How often one provider is asked: evenly spaced requests, never a burst."""

from __future__ import annotations

import asyncio

from bridge.clock import Clock


class Budget:
    """Hands out permissions to send one request, at most ``rate`` per second.

    This is the generic cell rate algorithm (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm) without a burst:
    the first request goes at once, each further one no earlier than ``1 / rate`` seconds after the one before. In any
    five seconds that is at most ``5 * rate + 1``.

    :param rate: requests per second, above 0.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        if not rate > 0:
            raise ValueError("the rate must be above 0")
        self.rate = rate
        self._interval = 1 / rate
        self._clock = clock
        self._next = clock.monotonic()
        self._turn = asyncio.Lock()

    async def acquire(self) -> None:
        """Return when the next request may be sent. Callers are served in order; a cancelled one costs no slot."""
        async with self._turn:
            # A loop, because a sleep may end a little early.
            while (wait := self._next - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait)
            # Counted from now and not from the slot's own time: a late waker must not be followed too closely.
            self._next = self._clock.monotonic() + self._interval
