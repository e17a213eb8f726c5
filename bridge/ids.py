"""Identifiers: time-ordered for rows, derived for events."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
# Ten bits at a time.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_SHIFTS = range(120, 10, -10)


class IdSequence:
    """Numbers that only grow: 48 bits of milliseconds, 80 of chance (the layout of a ULID).

    :param time_ns: wall-clock Unix time, nanoseconds; it may go back.
    """

    def __init__(self, time_ns: Callable[[], int] = time.time_ns) -> None:
        self._time_ns = time_ns
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        """A number above all before it."""
        with self._lock:
            now = self._time_ns() // 1_000_000
            if now > self._last >> _RANDOM_BITS:
                self._last = now << _RANDOM_BITS | int.from_bytes(os.urandom(_RANDOM_BITS // 8))
            else:  # within one millisecond, and after a clock set back, counting on keeps the order
                self._last += 1
            return self._last


_sequence = IdSequence()


def new_id(prefix: str) -> str:
    """A new id such as ``watch_01k3…``: 26 characters after the prefix that sort by time of creation.

    Ids made by one process are strictly increasing, so a list ordered by id is ordered by age, and a page can go on
    after an id whose row is gone.
    """
    number = _sequence.next()
    return f"{prefix}_{_head(number >> 20)}{_PAIRS[number >> 10 & 1023]}{_PAIRS[number & 1023]}"


@lru_cache(maxsize=1)
def _head(bits: int) -> str:
    """All but the last four characters: the same for nearly all ids that are made within one millisecond."""
    return "".join([_PAIRS[bits >> shift - 20 & 1023] for shift in _SHIFTS])


def event_id(watch_id: str, event_type: str) -> str:
    """The id of a watch's event, the same on every replica and after every crash.

    ``evt_`` and the first 32 hex digits of SHA-256 over ``<watch id>.<event type>``.
    """
    return "evt_" + hashlib.sha256(f"{watch_id}.{event_type}".encode()).hexdigest()[:32]
