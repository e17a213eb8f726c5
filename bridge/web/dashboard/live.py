"""Tells open pages that there is something new; they then read themselves again. It costs no read of the database."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from bridge.clock import Clock
from bridge.loops import Bell
from bridge.web.eventstream import EventStream, Write
from bridge.web.health import Readiness

SHORTEST_PAUSE = 1.0
"""However often the bell rings, pages are told no more often than this, seconds."""
LOOK_AGAIN = 5.0
"""What rings no bell here shows after so long, seconds; so do ages."""

_CHANGED = b"event: changed\ndata:\n\n"


class LiveStream(EventStream):
    """The event ``changed``, over and over.

    :param bell: rung when a watch or a delivery shows something new.
    """

    def __init__(self, bell: Bell, clock: Clock, readiness: Readiness, place: ExitStack) -> None:
        super().__init__(readiness, place)
        self._bell = bell
        self._clock = clock

    async def tell(self, write: Write) -> None:
        """Tell until nobody listens."""
        while True:
            rung = self._bell.waiter()
            timer = asyncio.ensure_future(self._clock.sleep(LOOK_AGAIN))
            try:
                await asyncio.wait({rung, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                rung.cancel()
                timer.cancel()
            await write(_CHANGED)
            await self._clock.sleep(SHORTEST_PAUSE)
