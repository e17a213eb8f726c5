"""What a provider says of its own limits beside an answer: ``x-ratelimit-remaining-requests`` and its companion."""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST_HOLD = 60.0
"""A provider that has nothing left is asked again after so long at the latest, seconds: what it said may be off."""

_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|ms|m|us|µs|μs|ns|s))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|us|µs|μs|ns|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}


def hold_of(headers: Mapping[str, str]) -> float:
    """For how long nothing may be asked, seconds: until the limit is reset when no request is left, else 0.

    :param headers: names in lower case.
    """
    remaining = headers.get("x-ratelimit-remaining-requests", "").strip()
    if not (remaining and set(remaining) == {"0"}):
        return 0.0
    return min(parse_duration(headers.get("x-ratelimit-reset-requests", "")) or 0.0, LONGEST_HOLD)


def parse_duration(text: str) -> float | None:
    """The seconds of a duration as Go writes it (``12ms``, ``1m30s``), or of a plain number; None for anything else.

    https://pkg.go.dev/time#Duration.String
    """
    text = text.strip()[:64]
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
