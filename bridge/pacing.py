"""When to look at a video again: a pure function of what is known, the clock passed in."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.models import Look, Missing, Observed
from bridge.states import LOST_AFTER_LOOKS, VideoState

FIRST_INTERVAL = 2.0
GROWTH = 1.25


@dataclass(frozen=True, slots=True)
class Pace:
    """The bounds of looking, seconds: ``BRIDGE_POLL_MIN_INTERVAL``, ``…_MAX_INTERVAL``, ``BRIDGE_LOST_GRACE``."""

    min_interval: float = 1.0
    max_interval: float = 30.0
    lost_grace: float = 60.0


def next_look(state: VideoState, look: Look, now: float, pace: Pace) -> float:
    """When to look next, Unix seconds, at a video that has not ended.

    Two seconds at first, growing by a quarter each time to the longest interval. A missing video is looked at just
    often enough to be sure within the grace. A provider's wish to be asked later is respected, but never beyond the
    moment the first watch gives up: that one look is owed. When the moment passed during this look, the next one is
    owed as soon as may be.
    """
    interval = min(FIRST_INTERVAL * GROWTH ** max(0, min(state.looks - 1, 64)), pace.max_interval)
    if isinstance(look, Missing):
        interval = min(pace.lost_grace / (LOST_AFTER_LOOKS - 1), pace.max_interval)
    interval = max(interval, pace.min_interval)
    if isinstance(look, Observed) and look.poll_after is not None:
        interval = max(interval, look.poll_after)
    due = now + interval
    if state.deadline is None:
        return due
    return min(due, state.deadline if state.deadline > now else now + pace.min_interval)
