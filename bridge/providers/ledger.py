"""A provider's budget as a shared book of slots: pure arithmetic, kept in the database for all replicas.

One slot is the permission to send one request. Replicas reserve short blocks of slots inside transactions they make
anyway; what they do not use is lost. This is the generic cell rate algorithm
(https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm) without a burst, its "theoretical arrival time" advanced by
a block at a time.

A slot may be used from its moment on for :data:`TOLERANCE` seconds and not later: late ones of one replica must not
fall together with those of another. Slots are set so much wider apart that all the same there are never more than
``5 * rate + 1`` requests in any five seconds.

A provider that has enough (429) halves the rate; it comes back evenly over a minute: additive increase, multiplicative
decrease.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WINDOW = 5.0
"""The time over which a budget is promised, seconds."""
TOLERANCE = 0.1
"""How long after its moment a slot may still be used, seconds: wakers are late, replicas' clocks differ."""
LONGEST_BLOCK = 1.0
"""Slots of so many seconds are reserved at once at most, but at least one."""
RECOVERY = 60.0
"""From nothing to the whole rate it would take so long, seconds."""
FLOOR = 1 / 16
"""No run of 429 brings the rate below this share of the configured one; waits do the rest."""

# A book that is reserved further ahead comes from a clock that was set back, seconds and slots.
_LONGEST_AHEAD = 60.0
_MOST_AHEAD = 100
# Nor is any wait longer, seconds.
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Ledger:
    """What all replicas know of a provider's budget. Times are Unix seconds.

    :param next_slot: the first moment that nobody has reserved.
    :param low: the rate after the last 429, requests/s; None when it is the whole.
    :param slowed_at: from when on the rate comes back.
    """

    next_slot: float = 0.0
    low: float | None = None
    slowed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Slots that belong to one replica: ``count`` of them from ``first`` on, ``interval`` seconds apart."""

    first: float
    interval: float
    count: int

    def slots(self) -> list[float]:
        """Their moments, Unix seconds."""
        return [self.first + number * self.interval for number in range(self.count)]


def reserve(ledger: Ledger, wanted: int, rate: float, now: float, not_before: float = 0.0) -> tuple[Ledger, Block]:
    """Reserve the next slots, as many as are wanted but those of a second at most.

    :param wanted: at least 1.
    :param rate: the configured rate, requests/s.
    :param not_before: the provider asked to be left alone until then.
    """
    allowed = rate_at(ledger, rate, now)
    interval = (1 + TOLERANCE / WINDOW) / allowed
    count = max(1, min(wanted, math.floor(LONGEST_BLOCK * allowed)))
    ahead = ledger.next_slot - now
    taken = now if ahead > _LONGEST_AHEAD + _MOST_AHEAD * interval else ledger.next_slot
    first = max(now, taken, not_before)
    after = Ledger(first + count * interval, ledger.low, ledger.slowed_at)
    return after, Block(first, interval, count)


def rate_at(ledger: Ledger, rate: float, now: float) -> float:
    """The rate that is allowed now, requests/s: the configured one, or what has come back of it since a 429."""
    if ledger.low is None or ledger.slowed_at is None:
        return rate
    if ledger.slowed_at > now + _LONGEST_WAIT:
        return rate
    back = max(0.0, now - ledger.slowed_at) * rate / RECOVERY
    return max(rate * FLOOR, min(rate, ledger.low + back))


def slowed(ledger: Ledger, rate: float, now: float, wait: float) -> Ledger:
    """The book after a 429: half the rate, which begins to come back when the wait it asked for is over.

    What comes within that wait was asked for before, and counts as the same 429.
    """
    if ledger.slowed_at is not None and now < ledger.slowed_at <= now + _LONGEST_WAIT:
        return Ledger(ledger.next_slot, ledger.low, max(ledger.slowed_at, now + wait))
    low = max(rate * FLOOR, rate_at(ledger, rate, now) / 2)
    return Ledger(ledger.next_slot, low, now + wait)
