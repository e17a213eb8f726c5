"""How much one client may ask for: requests by key, failed sign-ins by address, open streams by key."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.clock import Clock
from bridge.errors import RateLimitedError

REQUESTS_PER_SECOND = 100.0
BURST = 1000.0
STREAMS = 1000
"""Open streams of one key."""

FREE_FAILURES = 10
"""So many failed sign-ins of an address are answered at once; later ones take ever longer."""

LONGEST_DELAY = 0.8
"""Seconds. No answer takes a second for this; what matters is how many keys can be tried in one."""
MOST_WAITING = 100
"""So many failed sign-ins may be waiting for their answer; more are refused unseen."""

_FORGIVEN_AFTER = 900.0
_REMEMBERED = 10_000


class RequestRate:
    """A bucket of requests for each key: a burst at first, then so many a second. A batch counts as one."""

    def __init__(self, clock: Clock, rate: float = REQUESTS_PER_SECOND, burst: float = BURST) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Count one request.

        :raises RateLimitedError: the bucket is empty.
        """
        now = self._clock.monotonic()
        left, at = self._buckets.get(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        if left < 1:
            self._buckets[key] = (left, now)
            raise RateLimitedError(
                f"More than {self._rate:.0f} requests a second with this key; many watches fit into one batch.",
                retry_after=(1 - left) / self._rate,
            )
        self._buckets[key] = (left - 1, now)


class SignIns:
    """Slows down whoever tries keys: each further failure of an address is answered later than the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting = 0

    def check(self) -> None:
        """Refuse to look at keys while very many wait for the answer to a bad one.

        :raises RateLimitedError: they do.
        """
        if self._waiting >= MOST_WAITING:
            raise RateLimitedError("Too many requests with keys that are not known here.", retry_after=LONGEST_DELAY)

    async def failed(self, address: str) -> None:
        """An unknown key came from this address: return when that may be said."""
        now = self._clock.monotonic()
        count, at = self._failures.pop(address, (0, now))
        count = 1 if now - at > _FORGIVEN_AFTER else count + 1
        self._failures[address] = (count, now)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)
        if count <= FREE_FAILURES:
            return
        self._waiting += 1
        try:
            await self._clock.sleep(min(LONGEST_DELAY, 0.05 * 2.0 ** min(count - FREE_FAILURES - 1, 8)))
        finally:
            self._waiting -= 1


class OpenStreams:
    """Counts the streams that each key has open."""

    def __init__(self, most: int = STREAMS) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, key: str) -> Iterator[None]:
        """One stream, for as long as the block lasts.

        :raises RateLimitedError: the key has as many as it may.
        """
        if self._open[key] >= self._most:
            raise RateLimitedError(
                f"This key has {self._most} streams open; close some.", retry_after=5.0, code="too_many_streams"
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
