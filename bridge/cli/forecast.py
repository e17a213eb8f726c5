"""Asks a server when the videos that are followed will probably end, beside following them.

It is a courtesy: an older server, a refusal or a server that is away costs nothing but the forecast.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.exits import CommandError, RefusedError
from bridge.cli.follow import PASSING, Reporter, ended
from bridge.clock import Clock

# At most one question about a watch in so many seconds, and one at a time about all of them.
_EVERY = 5.0


class Screen(Reporter, Protocol):
    """A reporter that may show forecasts."""

    @property
    def foretells(self) -> bool:
        """Whether it shows them."""
        ...

    def expected(self, watch_id: str, end: float | None) -> None:
        """The video of a watch will probably end then, Unix seconds; None: nothing can be said."""
        ...


class Forecaster:
    """A reporter in front of another one, which it also tells what to expect of each watch whose progress moves."""

    def __init__(self, client: BridgeClient, clock: Clock, screen: Screen) -> None:
        self._client = client
        self._clock = clock
        self._screen = screen
        self._shown: dict[str, object] = {}
        self._moved: dict[str, None] = {}
        self._refused: set[str] = set()
        self._news = asyncio.Event()

    def changed(self, watch: JsonObject) -> None:
        """Pass it on, and ask anew when the video got on."""
        self._screen.changed(watch)
        watch_id, video = watch["id"], watch["video"] or {}
        standing = (video.get("status"), video.get("progress"))
        if ended(watch):
            self._moved.pop(watch_id, None)
        elif self._shown.get(watch_id) != standing and watch_id not in self._refused:
            self._shown[watch_id] = standing
            self._moved[watch_id] = None
            self._news.set()

    def trouble(self, message: str) -> None:
        """Pass it on."""
        self._screen.trouble(message)

    def recovered(self) -> None:
        """Pass it on."""
        self._screen.recovered()

    async def run(self) -> None:
        """Ask until cancelled: about all whose video moved, then pause."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._moved:
                watch_id = next(iter(self._moved))
                del self._moved[watch_id]
                await self._ask(watch_id)
            await self._clock.sleep(_EVERY)

    async def _ask(self, watch_id: str) -> None:
        try:
            outlook = await self._client.outlook(watch_id)
        except CommandError as error:
            if isinstance(error, RefusedError) and error.status not in PASSING:
                self._refused.add(watch_id)  # an older server, or a watch that is gone: asking again is no use
            return
        self._screen.expected(watch_id, outlook.get("expected_end_at"))


@asynccontextmanager
async def forecasting(client: BridgeClient, clock: Clock, screen: Screen) -> AsyncIterator[Reporter]:
    """The reporter to follow with: one that also asks for forecasts, if ``screen`` shows them."""
    if not screen.foretells:
        yield screen
        return
    forecaster = Forecaster(client, clock, screen)
    asking = asyncio.create_task(forecaster.run())
    try:
        yield forecaster
    finally:
        asking.cancel()
        await asyncio.wait([asking])
