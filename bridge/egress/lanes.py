"""Connections kept for the next request to the same place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from bridge.egress.transport import CheckedTransport

Origin = tuple[str, str, int | None]

_SWEEP_EVERY = 1.0


class Lanes:
    """Leases transports of one connection each, to one request at a time, ``most`` of them at once.

    httpcore's own pool is not trusted with this. A request that is cancelled between being given a connection and using
    it leaves its place in that pool taken for ever, and every deadline is a cancellation. Here a connection has one
    user, and if that one does not leave it ready for another it is closed.

    :param make: a new transport for a scheme.
    :param most: connections, idle ones included.
    """

    def __init__(self, make: Callable[[str], CheckedTransport], most: int) -> None:
        self._make = make
        self._most = most
        self._slots = asyncio.Semaphore(most)
        self._leased = 0
        self._idle: list[tuple[Origin, CheckedTransport]] = []  # oldest first
        self._next_sweep = 0.0

    @asynccontextmanager
    async def lease(self, url: httpx.URL) -> AsyncIterator[CheckedTransport]:
        """A transport for one request to ``url``, once there is a free one."""
        origin = (url.scheme, url.host, url.port)
        async with self._slots:
            lane = self._take(origin)
            self._leased += 1
            try:
                await self._trim()
                yield lane
            finally:
                self._leased -= 1
                self._idle.append((origin, lane))
                await self._trim(lane)

    async def aclose(self) -> None:
        """Close what is idle, and what is leased when it comes back."""
        self._most = 0
        await self._trim()

    def _take(self, origin: Origin) -> CheckedTransport:
        for place in reversed(range(len(self._idle))):
            if self._idle[place][0] == origin and self._idle[place][1].ready:
                return self._idle.pop(place)[1]
        return self._make(origin[0])

    async def _trim(self, returned: CheckedTransport | None = None) -> None:
        """Close the oldest of too many, ``returned`` if it is of no more use, and now and then all such."""
        now = asyncio.get_running_loop().time()
        sweep = now >= self._next_sweep
        if sweep:
            self._next_sweep = now + _SWEEP_EVERY
        spare = max(0, len(self._idle) + self._leased - self._most)
        closing = [lane for _, lane in self._idle[:spare]]
        closing += [lane for _, lane in self._idle[spare:] if (sweep or lane is returned) and not lane.ready]
        # Out of the list first: closing may be interrupted, the list must be right all the same.
        self._idle = [(origin, lane) for origin, lane in self._idle if lane not in closing]
        for lane in closing:
            await lane.aclose()
