"""Tells those who follow watches what these show by now; all of them together cost one read of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from bridge.clock import Clock
from bridge.errors import StoreUnavailableError
from bridge.loops import Bell
from bridge.models import WatchView

# However often the bell rings, the database is not read more often than this, seconds.
_SHORTEST_PAUSE = 0.2
# What another process did, and what rings no bell, shows after so long, seconds.
_LOOK_AGAIN = 2.0
_AWAY = 1.0


class WatchReader(Protocol):
    """Where the watches are read."""

    async def watches_by_id(self, watch_ids: Collection[str], /) -> Mapping[str, WatchView]:
        """Those of these watches that there are."""
        ...


class Follower:
    """Somebody who follows one watch; ``watch`` is what was last shown.

    :param reads: how many reads had begun when ``watch`` was known; what those find may be older.
    """

    def __init__(self, watch: WatchView, reads: int, clock: Clock) -> None:
        self.watch = watch
        self._reads = reads
        self._clock = clock
        self._news = asyncio.Event()
        self._error: BaseException | None = None

    async def changed(self, within: float) -> bool:
        """Return True as soon as ``watch`` shows something new, or False after so many seconds."""
        news = asyncio.ensure_future(self._news.wait())
        if not await _first_of(news, self._clock.sleep(within)):
            return False
        self._news.clear()
        if self._error is not None:
            raise self._error
        return True

    def tell(self, watch: WatchView, read: int) -> None:
        """This is what the watch showed at this read."""
        if read > self._reads and watch != self.watch:
            self.watch = watch
            self._news.set()

    def fail(self, error: BaseException) -> None:
        """Nothing will be told any more."""
        self._error = error
        self._news.set()


class Changes:
    """Reads all watches that somebody follows whenever one of them may have changed, and tells who follows them.

    :param bell: rung when a watch shows something new.
    """

    def __init__(self, registry: WatchReader, bell: Bell, clock: Clock) -> None:
        self._registry = registry
        self._bell = bell
        self._clock = clock
        self._followers: set[Follower] = set()
        self._reader: asyncio.Task[None] | None = None
        self._reads = 0

    @asynccontextmanager
    async def follow(self, watch: WatchView) -> AsyncIterator[Follower]:
        """Follow a watch from what it showed a moment ago."""
        follower = Follower(watch, self._reads, self._clock)
        self._followers.add(follower)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_on(), name="changes")
            self._reader.add_done_callback(self._ended)
        self._bell.ring()  # it may have changed in that moment
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers:
                await self._rest()

    async def _rest(self) -> None:
        """Nobody is left: read no more."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait({reader})

    def _ended(self, reader: asyncio.Task[None]) -> None:
        """When the reading ended by a fault, all who follow learn of it rather than wait for nothing."""
        error = None if reader.cancelled() else reader.exception()
        if error is not None:
            self._reader = None
            for follower in self._followers:
                follower.fail(error)

    async def _read_on(self) -> None:
        while True:
            rung = self._bell.waiter()
            try:
                await self._read()
                await self._clock.sleep(_SHORTEST_PAUSE)
                await _first_of(rung, self._clock.sleep(_LOOK_AGAIN))
            except StoreUnavailableError:
                await self._clock.sleep(_AWAY)
            finally:
                rung.cancel()

    async def _read(self) -> None:
        self._reads += 1
        read = self._reads
        found = await self._registry.watches_by_id({follower.watch.id for follower in self._followers})
        for follower in self._followers:
            if follower.watch.id in found:
                follower.tell(found[follower.watch.id], read)


async def _first_of(wanted: asyncio.Future[Any], pause: Coroutine[Any, Any, None]) -> bool:
    """Whether what is wanted came before the pause was over; neither is waited for any longer."""
    timer = asyncio.ensure_future(pause)
    try:
        await asyncio.wait({wanted, timer}, return_when=asyncio.FIRST_COMPLETED)
        return wanted.done()
    finally:
        wanted.cancel()
        timer.cancel()
