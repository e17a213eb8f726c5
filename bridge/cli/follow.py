"""Follows watches at a running server until each has ended, over short absences of the server.

A watch is told by its stream as soon as it shows something new; where that cannot be had, it is asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from bridge.cli.client import MAX_CONNECTIONS, BridgeClient, JsonObject, NoStreamError
from bridge.cli.exits import CommandError, RefusedError, UnreachableError
from bridge.clock import Clock

# How long the server may be away before following ends, seconds: a restart is over in much less.
PATIENCE = 60.0
_RETRY_EVERY = 1.0
# What a server, or a proxy in front of it, answers while it restarts or asks for fewer requests.
PASSING = frozenset({429, 502, 503, 504})


class Reporter(Protocol):
    """What shows the course of the watches."""

    def changed(self, watch: JsonObject) -> None:
        """A watch looks different than before; also called for its first and its last state."""
        ...

    def trouble(self, message: str) -> None:
        """The server does not answer for now; following goes on."""
        ...

    def recovered(self) -> None:
        """The server answers again."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often one watch is asked about where no stream tells of it.

    :param wait: seconds the server may hold the answer; progress shows only when it comes.
    :param every: seconds from one question to the next, at least.
    """

    wait: int
    every: float


def pace_for(following: int) -> Pace:
    """Few watches each hold a connection open, many take turns; together they ask at most 25 times per second."""
    return Pace(wait=2 if following <= MAX_CONNECTIONS else 0, every=following / 25)


def ended(watch: JsonObject) -> bool:
    """Whether a watch is over."""
    return bool(watch["status"] != "watching")


class Follower:
    """Follows a set of watches until all have ended.

    As many as there are connections are listened to, each by its stream. Of more than that, and at a server without
    streams, each is asked about in turns.
    """

    def __init__(self, client: BridgeClient, clock: Clock, reporter: Reporter) -> None:
        self._client = client
        self._clock = clock
        self._reporter = reporter
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._following = 0
        self._streams = True
        self._away_since: float | None = None

    async def follow(self, watches: Iterable[JsonObject]) -> list[JsonObject | CommandError]:
        """The last state of each watch, in order, or why it could not be followed to its end."""
        watches = list(watches)
        self._following = len(watches)
        return await asyncio.gather(*(self._follow_one(watch) for watch in watches))

    async def _follow_one(self, watch: JsonObject) -> JsonObject | CommandError:
        self._reporter.changed(watch)
        try:
            while not ended(watch):
                if self._streams and self._following <= MAX_CONNECTIONS:
                    watch = await self._listen(watch)
                else:
                    watch = self._seen(watch, await self._look(watch["id"]))
        except CommandError as error:
            return error
        finally:
            self._following -= 1
        return watch

    async def _listen(self, watch: JsonObject) -> JsonObject:
        """What the stream of a watch tells last; it may end before the watch does."""
        try:
            async with self._slots, aclosing(self._client.stream(watch["id"])) as stream:
                async for seen in stream:
                    self._answered()
                    watch = self._seen(watch, seen)
        except NoStreamError:
            found = await self._look(watch["id"])
            self._streams = found is None  # when the watch is there, it is the stream that is not
            return self._seen(watch, found)
        except (UnreachableError, RefusedError) as error:
            self._bear(error)
        if not ended(watch):
            await self._clock.sleep(_RETRY_EVERY)
        return watch

    def _seen(self, before: JsonObject, now: JsonObject | None) -> JsonObject:
        """What is known of a watch now; reported when it is something new."""
        if now is None:
            return before
        if _visible(now) != _visible(before):
            self._reporter.changed(now)
        return now

    async def _look(self, watch_id: str) -> JsonObject | None:
        """Ask once, then wait for the next turn; None when the server is away for now."""
        pace = pace_for(self._following)
        async with self._slots:
            asked = self._clock.monotonic()
            try:
                watch = await self._client.watch(watch_id, wait=pace.wait)
            except (UnreachableError, RefusedError) as error:
                self._bear(error)
                watch, pace = None, Pace(wait=0, every=_RETRY_EVERY)
            else:
                self._answered()
        if watch is None or not ended(watch):
            await self._clock.sleep(max(0.0, asked + pace.every - self._clock.monotonic()))
        return watch

    def _bear(self, error: UnreachableError | RefusedError) -> None:
        """Let a passing error pass for as long as our patience lasts."""
        if isinstance(error, RefusedError) and error.status not in PASSING:
            self._answered()
            raise error
        now = self._clock.monotonic()
        if self._away_since is None:
            self._away_since = now
            self._reporter.trouble(f"Trying again for {PATIENCE:g} s: {error}")
        elif now - self._away_since > PATIENCE:
            raise error

    def _answered(self) -> None:
        if self._away_since is not None:
            self._away_since = None
            self._reporter.recovered()


def _visible(watch: JsonObject) -> JsonObject:
    """The watch without what only the answer to a registration shows."""
    destinations = [
        {name: value for name, value in destination.items() if name != "signing_secret"}
        for destination in watch["destinations"]
    ]
    return {**watch, "destinations": destinations}
