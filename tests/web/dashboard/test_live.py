from __future__ import annotations

import asyncio
from contextlib import ExitStack

from starlette.types import Message

from bridge.loops import Bell
from bridge.web.dashboard.live import LOOK_AGAIN, SHORTEST_PAUSE, LiveStream
from bridge.web.health import Readiness
from tests.clock import ManualClock
from tests.web.conftest import database_answers


class Listening:
    """A page that listens."""

    def __init__(self, bell: Bell, clock: ManualClock) -> None:
        self.heard = 0
        self.clock = clock
        stream = LiveStream(bell, clock, Readiness({}, database_answers), ExitStack())
        self.task = asyncio.create_task(stream({"type": "http", "method": "GET"}, self._receive, self._send))

    async def _receive(self) -> Message:
        await asyncio.Event().wait()
        return {}

    async def _send(self, message: Message) -> None:
        self.heard += message.get("body", b"").count(b"event: changed")

    async def after(self, seconds: float) -> int:
        """How often it was told by then."""
        await self.clock.advance(seconds)
        return self.heard

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_a_page_is_told_of_news_at_once_and_no_more_than_once_a_second(clock: ManualClock) -> None:
    bell = Bell()
    page = Listening(bell, clock)
    assert await page.after(0) == 0
    bell.ring()
    assert await page.after(0) == 1
    bell.ring()
    bell.ring()
    assert await page.after(SHORTEST_PAUSE / 2) == 1
    await page.leave()


async def test_it_looks_again_where_no_bell_rings(clock: ManualClock) -> None:
    page = Listening(Bell(), clock)
    assert await page.after(LOOK_AGAIN - 0.1) == 0
    assert await page.after(0.1) == 1
    await page.leave()
