"""The price of a request in seconds of delay: it rises while the budget binds and falls to a polite floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

FLOOR = 0.5
"""However much budget is left, a request is not sent to save less delay than this, seconds."""

CEILING = 1e5
# How long requests are counted before the price follows, seconds.
_WINDOW = 5.0
# The share of the budget that is used when the price is right: the rest is for what cannot be planned.
_AIM = 0.95
# From here on the budget binds: more would be asked than can be counted. (Replicas that share one use 0.98 at most.)
_BOUND = 0.97
# How much more is asked then nobody knows: the price rises by 5 % at first, and each time by 5 % more. Doubled at
# once, it came to four times what it should be before plans had followed, and back, over and over: a sixth of the
# budget unused. While it is too low nothing is lost, for the budget is full.
_STEP = 1.05
_LARGEST_STEP = 1.5
# It falls by half in each such time at most.
_QUICKEST = 2.0
# What a push counts for is down to a third after so many further ends.
_PUSH_MEMORY = 32.0
# However reliable pushes are, polling goes on: at most so many times dearer.
_SAFETY_NET = 16.0
# Before anything is known, as if so many ends had come without a push.
_DOUBT = 2.0


@dataclass(frozen=True, slots=True)
class Tempo:
    """How a provider is asked, shared by all replicas.

    :param price: seconds of delay that one request is worth.
    :param used: requests since ``since``, Unix seconds.
    :param ahead: how far our clock is ahead of the provider's, seconds.
    :param ends: ends that were seen, fading; :param pushed: those of them that a push told first.
    :param bound: how often in a row the budget was found to bind.
    """

    price: float = FLOOR
    used: float = 0.0
    since: float = 0.0
    ahead: float = 0.0
    ends: float = 0.0
    pushed: float = 0.0
    bound: int = 0

    def as_dict(self) -> dict[str, Any]:
        """What the table keeps."""
        return {name: round(value, 6) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Tempo:
        """The inverse of :meth:`as_dict`."""
        return cls(**kept)

    def after_requests(self, requests: float, rate: float, now: float) -> Tempo:
        """After so many more requests were sent within a budget of ``rate`` requests per second.

        The number of requests goes with one over the root of the price, once all videos are planned at it; until then
        their plans are of before. So the price moves by the share that is used, and not by its square, which would be
        too far. Each five seconds it rises by half at most, and falls by half at most.
        """
        span = now - self.since
        if not 0 <= span < 1e6:  # the first, or the clock was set
            return replace(self, used=requests, since=now)
        used = self.used + requests
        if span < _WINDOW:
            return replace(self, used=used)
        share = used / (rate * span)
        if share >= _BOUND:
            moved = min(_LARGEST_STEP, _STEP ** (self.bound + 1))
            bound = self.bound + 1
        else:
            moved, bound = max(share / _AIM, _QUICKEST ** -(span / _WINDOW)), 0
        price = min(CEILING, max(FLOOR, self.price * moved))
        return replace(self, price=price, used=0.0, since=now, bound=bound)

    def after_end(self, *, pushed: bool) -> Tempo:
        """After one more end, which a push had told, or not."""
        fade = 1.0 - 1.0 / _PUSH_MEMORY
        return replace(self, ends=self.ends * fade + 1.0, pushed=self.pushed * fade + pushed)

    def after_completion(self, completed_at: float, *, after: float | None, by: float) -> Tempo:
        """After an end that the provider dates in whole seconds, and that we know to lie between two looks.

        The clocks' difference is moved as little as that allows.
        """
        ahead = min(self.ahead, by - completed_at)
        return replace(self, ahead=ahead if after is None else max(ahead, after - completed_at - 1.0))

    @property
    def asking_price(self) -> float:
        """The price for looks: a share of ends is told by pushes anyway, and looking for those is worth nothing."""
        return self.price * min(_SAFETY_NET, (self.ends + _DOUBT) / (self.ends + _DOUBT - self.pushed))
