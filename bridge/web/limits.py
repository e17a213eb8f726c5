"""How much one client may ask for: requests by key, failed sign-ins by address, open streams by key."""

from __future__ import annotations

import ipaddress
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
"""So many failed sign-ins may be waiting for their answer; the next ones are refused at once, with a 429."""

REMEMBERED = 10_000
"""Addresses whose failures are remembered; beyond that the one that failed longest ago is forgotten."""

_FORGIVEN_AFTER = 900.0


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
    """Slows down whoever tries keys: each further failure of an address is answered later than the one before.

    A right key is never slowed, whoever tries wrong ones beside it: behind a proxy all clients have one address, and a
    stranger must not be able to shut out the others.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting = 0

    @property
    def remembered(self) -> int:
        """How many addresses are remembered."""
        return len(self._failures)

    async def failed(self, address: str) -> None:
        """An unknown key came from this address: return when that may be said.

        :raises RateLimitedError: very many wait for that already.
        """
        place = network_of(address)
        now = self._clock.monotonic()
        count, at = self._failures.pop(place, (0, now))
        count = 1 if now - at > _FORGIVEN_AFTER else count + 1
        self._failures[place] = (count, now)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        if count <= FREE_FAILURES:
            return
        if self._waiting >= MOST_WAITING:
            raise RateLimitedError("Too many requests with keys that are not known here.", retry_after=LONGEST_DELAY)
        self._waiting += 1
        try:
            await self._clock.sleep(min(LONGEST_DELAY, 0.05 * 2.0 ** min(count - FREE_FAILURES - 1, 8)))
        finally:
            self._waiting -= 1


def network_of(address: str) -> str:
    """What stands for a client's address: of IPv6 the /64, for whoever has one address there has all of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # no address at all: a Unix socket, a test
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))


class OpenStreams:
    """Counts the streams that each key has open."""

    def __init__(self, most: int = STREAMS) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def open(self, key: str) -> int:
        """How many streams a key has open."""
        return self._open[key]

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
