"""How soon a job may end, and how long to wait until the next look is worth its price."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

STRAGGLERS = 0.02
"""The share of jobs that no experience fits. It keeps a job that is long overdue from being looked at ever faster."""

# Stragglers end at a rate of 1 / (3 medians + time run): the longer one has run, the longer it will.
_STRAGGLING = 3.0
# Beyond these the normal density is nothing beside the stragglers; the step is fine enough for two digits.
_FROM, _TO, _STEP = -4.0, 3.5, 0.25
_ROOT_2 = math.sqrt(2.0)
_NORMAL = 1 / math.sqrt(2.0 * math.pi)
# Nothing that takes time takes less of it; below, numbers end.
_TINY = 1e-200
_UNIT = NormalDist()


class Belief(NamedTuple):
    """What is believed of how long a job takes from its creation: log-normal, but for a few stragglers.

    A named tuple, because planning each look makes one.

    :param mu: mean of the logarithm of seconds. :param sigma: its standard deviation, above 0.
    :param jobs: finished jobs like it that say so; 0 when this is only a guess.
    """

    mu: float
    sigma: float
    jobs: int = 0

    @property
    def median(self) -> float:
        """Half of such jobs take so long or less, seconds."""
        return math.exp(self.mu)


def worth_waiting(belief: Belief, elapsed: float, price: float, longest: float) -> float:
    """For how long to wait before the next look, seconds, at most ``longest``.

    :param elapsed: how long the job has run without an end, seconds.
    :param price: seconds of delay that one request is worth, above 0.
    """
    mu, sigma = belief.mu, belief.sigma
    scale = _STRAGGLING * math.exp(mu)
    root = math.sqrt(0.5 / price)
    at, missing = elapsed, 1.0
    z = (math.log(at) - mu) / sigma if at > 0 else -math.inf
    if z < _FROM:
        # Too early for all but stragglers.
        begin = math.exp(mu + _FROM * sigma)
        density = root * math.sqrt(STRAGGLERS / scale)
        if begin - at >= longest or density * (begin - at) >= 1.0:
            return min(longest, 1.0 / density)
        missing -= density * (begin - at)
        at, z = begin, _FROM
    end = elapsed + longest
    density = root * math.sqrt(_hazard(z, at, sigma, scale)) if z < _TO else 0.0
    while z < _TO and at < end:
        z += _STEP
        then = math.exp(mu + sigma * z)
        dense = root * math.sqrt(_hazard(z, then, sigma, scale))
        area = 0.5 * (density + dense) * (then - at)
        if area >= missing:
            return min(longest, at + (then - at) * missing / area - elapsed)
        missing -= area
        at, density = then, dense
    # Only stragglers are left; their density has a closed integral, 2 root sqrt(scale + t).
    reach = math.sqrt(scale + at) + missing / (2.0 * root)
    return min(longest, reach * reach - scale - elapsed)


def expected_total(belief: Belief, elapsed: float) -> float | None:
    """How long the job takes in all by an even bet, seconds; None when it has run longer than experience goes."""
    z = (math.log(elapsed) - belief.mu) / belief.sigma if elapsed > 0 else -math.inf
    if z >= _TO - 1.0:
        return None
    left = 0.5 * math.erfc(z / _ROOT_2)
    return math.exp(belief.mu - belief.sigma * _UNIT.inv_cdf(left / 2.0))


def _hazard(z: float, at: float, sigma: float, scale: float) -> float:
    """Ends per second of what has not ended; ``z`` is where ``at`` stands in the log-normal part."""
    rest = scale / (scale + at)
    ending = (1.0 - STRAGGLERS) * _NORMAL * math.exp(-0.5 * z * z) / max(sigma * at, _TINY) + STRAGGLERS * rest / (
        scale + at
    )
    return ending / ((1.0 - STRAGGLERS) * 0.5 * math.erfc(z / _ROOT_2) + STRAGGLERS * rest)
