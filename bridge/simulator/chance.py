"""Chance that repeats: every draw is a pure function of the seed and of what it decides."""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist

_STEPS = 2**52


def chance(seed: int, *subject: object) -> float:
    """A number in the open interval (0, 1), the same for the same arguments in every process.

    :param subject: what is decided, for example ``("failure", 3)`` for the third job's failure.
    """
    text = "\0".join(str(part) for part in (seed, *subject))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    # The half step keeps both ends out, where the normal distribution has no inverse.
    return (int.from_bytes(digest[:8]) % _STEPS + 0.5) / _STEPS


def log_normal(median: float, spread: float, drawn: float) -> float:
    """The value of a log-normal distribution at the quantile ``drawn``; a ``spread`` (sigma) of 0 gives the median."""
    return median * math.exp(spread * NormalDist().inv_cdf(drawn))
