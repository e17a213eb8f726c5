"""Who of this process writes next, where only one can at a time (SQLite).

Writers for whom somebody waits, a client mostly, go ahead of those that work in the background, whose ticks would
otherwise all be waited for, too. They do not keep them away: after a few in a row one of the others has its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

IN_A_ROW = 4
"""So many go ahead in a row, at most, while others wait."""


class Turns:
    """Turns of writers, each handed on to the next; nobody who comes in between can take one."""

    def __init__(self) -> None:
        self._taken = False
        self._ahead: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @asynccontextmanager
    async def one(self, *, ahead: bool) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends.

        :param ahead: go before those who did not ask for this.
        """
        await self._take(self._ahead if ahead else self._others)
        try:
            yield
        finally:
            self._hand_on()

    async def _take(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._taken:
            self._taken = True
            return
        waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # it was given the turn in the same moment
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        while (waiter := self._next()) is not None:
            if not waiter.done():  # else it was cancelled
                waiter.set_result(None)
                return
        self._taken = False

    def _next(self) -> asyncio.Future[None] | None:
        ahead = bool(self._ahead) and not (self._others and self._in_a_row >= IN_A_ROW)
        queue = self._ahead if ahead else self._others
        self._in_a_row = self._in_a_row + 1 if ahead else 0
        return queue.popleft() if queue else None
