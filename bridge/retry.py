"""When a failed attempt is followed by another: a schedule with one pure decision."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

LONGEST_RETRY_AFTER = 86_400.0
"""A receiver that wants to be left alone for longer than this is given up on, seconds."""

_JITTER = 0.1
_NUMBER = re.compile(r"[0-9]{1,300}(?:\.[0-9]{1,32})?")
_LONGEST_DATE = 64


class GiveUpReason(StrEnum):
    """Why no attempt follows."""

    EXHAUSTED = "exhausted"
    RETRY_AFTER_TOO_LONG = "retry_after_too_long"


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt follows. ``at`` is Unix seconds, ``step`` the number of attempts made so far."""

    at: float
    step: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No attempt follows."""

    reason: GiveUpReason


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The delays between attempts, seconds: one attempt more than there are delays."""

    delays: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(math.isfinite(delay) and delay >= 0 for delay in self.delays):
            raise ValueError("a delay is a number of seconds, 0 or more")

    def after(self, step: int, *, now: float, retry_after: float | None, jitter: float) -> Again | GiveUp:
        """What follows a failed attempt.

        :param step: attempts made since the schedule (re)started, the failed one included; 1 after the first.
        :param retry_after: how long the receiver asked us to wait, seconds; never undercut.
        :param jitter: chance, 0 to 1: lengthens the wait by up to a tenth, so that those who failed together do not
            come back together.
        """
        asked = retry_after or 0.0
        if asked > LONGEST_RETRY_AFTER:
            return GiveUp(GiveUpReason.RETRY_AFTER_TOO_LONG)
        if step > len(self.delays):
            return GiveUp(GiveUpReason.EXHAUSTED)
        return Again(now + max(self.delays[step - 1], asked) * (1 + _JITTER * jitter), step)


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """How long a reply asks to be left alone, seconds; 0 for a date that has passed, None when it names no time.

    Both ``retry-after-ms`` (Azure and OpenAI) and ``retry-after``, which is seconds or a date (RFC 9110, section
    10.2.3), are read; where several times are named the longest counts. What cannot be read counts as absent.

    :param headers: names in lower case.
    :param now: Unix seconds, for dates.
    """
    asked = [None if (each := _number(part)) is None else each / 1000 for part in _parts(headers, "retry-after-ms")]
    asked += [each if (each := _number(part)) is not None else None for part in _parts(headers, "retry-after")]
    asked.append(_until(headers.get("retry-after", ""), now))
    return max((each for each in asked if each is not None), default=None)


def date_of(headers: Mapping[str, str]) -> float | None:
    """What a reply's ``Date`` says, Unix seconds; None when it says nothing readable.

    :param headers: names in lower case.
    """
    try:
        date = parsedate_to_datetime(headers.get("date", "")[:_LONGEST_DATE])
        # RFC 9110's asctime form names no zone, it means UTC.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def offset_of(date: float, sent_at: float, received_at: float) -> float:
    """How far the machine's clock is ahead of a ``Date`` header, seconds.

    The header has whole seconds and was written somewhere between sending and receiving.
    """
    if sent_at - 1 <= date <= received_at + 1:
        return 0.0
    return (sent_at + received_at) / 2 - (date + 0.5)


def _parts(headers: Mapping[str, str], name: str) -> list[str]:
    """The values of a header, which may have been sent more than once."""
    return headers.get(name, "").split(",")


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text := text.strip()) else None


def _until(text: str, now: float) -> float | None:
    at = date_of({"date": text})
    return None if at is None else max(0.0, at - now)
