"""Markers in a prompt that decide how its job goes, so that one outcome can be tried on purpose.

``A cat on a skateboard [duration=3] [fail=moderation_blocked]`` ends after three seconds with that error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from bridge.errors import InvalidRequestError

PROMPT_MARKERS = {
    "[complete]": "the video completes, whatever the failure rate",
    "[fail]": "it fails with the code generation_failed",
    "[fail=CODE]": "it fails with this code",
    "[duration=SECONDS]": "it ends after so many seconds",
    "[stuck]": "it is in progress for ever",
    "[stuck=queued]": "it is queued for ever",
    "[vanish]": "instead of ending it is gone: 404 from then on",
}
"""Every marker and what it does, for help texts."""

_MARKER = re.compile(r"\[(complete|fail|duration|stuck|vanish)(?:=([^\[\]]*))?\]", re.IGNORECASE)
_LONGEST_CODE = 64


class Ending(StrEnum):
    """What becomes of a job."""

    COMPLETED = "completed"
    FAILED = "failed"
    STUCK = "stuck"
    STUCK_QUEUED = "stuck_queued"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Script:
    """What a prompt asks for; None where it leaves the choice to the settings."""

    ending: Ending | None = None
    duration: float | None = None
    error_code: str | None = None


def read_markers(prompt: str) -> Script:
    """Read the markers of a prompt; of two that contradict each other the later wins. Other brackets mean nothing.

    :raises InvalidRequestError: when a marker has a value it cannot have.
    """
    script = Script()
    for name, value in _MARKER.findall(prompt):
        script = _READERS[name.lower()](script, value.strip())
    return script


def _complete(script: Script, value: str) -> Script:
    _refuse_value("complete", value)
    return replace(script, ending=Ending.COMPLETED, error_code=None)


def _vanish(script: Script, value: str) -> Script:
    _refuse_value("vanish", value)
    return replace(script, ending=Ending.VANISHED, error_code=None)


def _fail(script: Script, value: str) -> Script:
    if len(value) > _LONGEST_CODE:
        raise _bad_marker(f"The code of [fail=…] has at most {_LONGEST_CODE} characters.")
    return replace(script, ending=Ending.FAILED, error_code=value or None)


def _stuck(script: Script, value: str) -> Script:
    endings = {"": Ending.STUCK, "in_progress": Ending.STUCK, "queued": Ending.STUCK_QUEUED}
    if value not in endings:
        raise _bad_marker("[stuck=…] takes queued or in_progress.")
    return replace(script, ending=endings[value], error_code=None)


def _duration(script: Script, value: str) -> Script:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _bad_marker("[duration=…] takes a number of seconds, zero or more.")
    return replace(script, duration=seconds)


def _refuse_value(name: str, value: str) -> None:
    if value:
        raise _bad_marker(f"[{name}] takes no value.")


def _bad_marker(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, param="prompt", code="invalid_marker")


_READERS: dict[str, Callable[[Script, str], Script]] = {
    "complete": _complete,
    "fail": _fail,
    "duration": _duration,
    "stuck": _stuck,
    "vanish": _vanish,
}
