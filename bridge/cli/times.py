"""Times as people write and read them, to and from Unix seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AGO = re.compile(r"(\d{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_since(text: str, now: float) -> int:
    """Unix seconds of a moment: Unix seconds, an ISO date or time (local without an offset), or ``2h`` ago.

    :raises ValueError: with a sentence that says what is understood.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text)
    ago = _AGO.fullmatch(text)
    moment = now - int(ago[1]) * _SECONDS[ago[2]] if ago else _parse_iso(text)
    if moment < 0:
        raise ValueError(f"{text!r} is before 1970.")
    return int(moment)


def _parse_iso(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            f"{text!r} is no time: give Unix seconds, an ISO date or time (2026-11-23T08:00), or 30m, 2h, 1d ago."
        ) from error


def show_time(seconds: float) -> str:
    """A moment in local time with its offset, ``2026-11-23 09:53:20 +01:00``."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(" ", "seconds").replace("+", " +")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def show_duration(seconds: float) -> str:
    """A length of time in its two greatest units: ``45s``, ``2m 5s``, ``3h 12m``, ``4d 2h``."""
    left = max(0, round(seconds))
    parts = []
    for unit in ("d", "h", "m", "s"):
        amount, left = divmod(left, _SECONDS[unit])
        parts.append((amount, unit))
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount}{unit}" for amount, unit in parts[first : first + 2] if amount) or "0s"


def show_age(then: float, now: float) -> str:
    """How long ago something was, in its greatest unit: ``12s``, ``3m``, ``5h``, ``9d``."""
    return show_duration(now - then).split(" ")[0]
