"""How many live watches one registrant may have, so that no key fills the database for all others."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.clock import Clock
from bridge.errors import RateLimitedError
from bridge.store import watches
from bridge.store.database import Transaction

COUNTED_FOR = 5.0
"""For so many seconds a count is trusted, with what was registered here since. What replicas did shows no sooner."""

LOOK_AGAIN = 1.0
"""Whoever has as many as he may is not counted more often than this, seconds."""


@dataclass(slots=True)
class Allowance:
    """How many more watches one request may register; ``left`` is None without a limit."""

    limit: int
    left: int | None
    taken: int = 0

    def take(self) -> None:
        """Register one more that will wait for its video.

        :raises RateLimitedError: there are as many as there may be.
        """
        if self.left is None:
            return
        if self.left <= 0:
            raise RateLimitedError(
                f"This key has {self.limit:,} watches that are still waiting, which is as many as it may; "
                "cancel some or wait until some have ended (BRIDGE_WATCHES_PER_KEY).",
                retry_after=60.0,
                code="too_many_watches",
            )
        self.left -= 1
        self.taken += 1


@dataclass(slots=True)
class _Counted:
    number: int
    at: float


class Allowances:
    """Knows who has how many without counting for every request: a count of a hundred thousand takes milliseconds.

    :param limit: live watches per registrant; None: no limit.
    """

    def __init__(self, limit: int | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._known: dict[str | None, _Counted] = {}

    async def of(self, tx: Transaction, created_by: str | None, wanted: int) -> Allowance:
        """What a registrant may register now.

        :param wanted: how many that will be at most.
        """
        if self._limit is None:
            return Allowance(0, None)
        known = self._known.get(created_by)
        age = 0.0 if known is None else self._clock.monotonic() - known.at
        if known is None or age >= (COUNTED_FOR if known.number + wanted <= self._limit else self._patience(known)):
            number = await watches.number_live(tx, created_by)
            known = self._known[created_by] = _Counted(number, self._clock.monotonic())
        return Allowance(self._limit, self._limit - known.number)

    def used(self, created_by: str | None, allowance: Allowance) -> None:
        """Remember what was registered."""
        if created_by in self._known:
            self._known[created_by].number += allowance.taken

    def _patience(self, known: _Counted) -> float:
        return LOOK_AGAIN if self._limit is not None and known.number >= self._limit else 0.0
