"""The next look: what is worth its price, within the bounds that hold whatever is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.models import Look, Missing, Observed
from bridge.pacing import progress
from bridge.pacing.hazard import Belief, worth_waiting
from bridge.pacing.learning import Learned, believed
from bridge.pacing.price import FLOOR, Tempo
from bridge.pacing.progress import Line
from bridge.states import LOST_AFTER_LOOKS, VideoState

# Where few jobs were seen to finish, the first looks are soon, then fewer: a job may take five seconds or five minutes.
FEW_JOBS = 3
FIRST_INTERVAL = 2.0
GROWTH = 1.25
# At a price beyond this the budget cannot keep the longest interval, and that grows, too: those that will end soon
# would otherwise stand in line behind those that will not.
_DEAR = 20.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The bounds of looking, seconds: ``BRIDGE_POLL_MIN_INTERVAL``, ``…_MAX_INTERVAL``, ``BRIDGE_LOST_GRACE``."""

    min_interval: float = 1.0
    max_interval: float = 30.0
    lost_grace: float = 60.0


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of jobs like one video, and what a request is worth.

    :param price: seconds of delay. :param ahead: how far our clock is ahead of the provider's, seconds.
    """

    belief: Belief = field(default_factory=lambda: believed(()))
    line: Line = field(default_factory=Line)
    price: float = FLOOR
    ahead: float = 0.0


def prospect_of(known: Sequence[Learned], tempo: Tempo) -> Prospect:
    """The prospect of a job from what its groups say, the narrowest first, and how its provider is asked.

    The line of progress is that of the narrowest group with a finished job.
    """
    line = next((each.line() for each in known if each.jobs), Line())
    return Prospect(believed(known), line, tempo.asking_price, tempo.ahead)


def next_look(state: VideoState, look: Look, now: float, pace: Pace, prospect: Prospect | None = None) -> float:
    """When to look next, Unix seconds, at a video that has not ended.

    A missing video is looked at just often enough to be sure within the grace. One whose provider said that it ended,
    but does not show it yet, is looked at soon again, then after twice as long each time. A provider's wish to be asked
    later is respected, but never beyond the moment the first watch gives up: that one look is owed. When the moment
    passed during this look, the next one is owed as soon as may be.
    """
    if isinstance(look, Missing):
        interval = min(pace.lost_grace / (LOST_AFTER_LOOKS - 1), pace.max_interval)
    else:
        interval = _worth(state, now, pace, prospect or Prospect())
    if state.pushed_at is not None:
        interval = min(interval, max(0.0, now - state.pushed_at))
    interval = max(interval, pace.min_interval)
    if isinstance(look, Observed) and look.poll_after is not None:
        interval = max(interval, look.poll_after)
    due = now + interval
    if state.deadline is None:
        return due
    return min(due, state.deadline if state.deadline > now else now + pace.min_interval)


def elapsed_of(state: VideoState, now: float, ahead: float = 0.0) -> float:
    """For how long the job has run: since the provider says it made it, else since it was first watched, seconds."""
    watched = now if state.registered_at is None else state.registered_at
    made = None if state.video is None else state.video.created_at
    # Half a second, because it is told in whole ones. Nothing is watched before it is made.
    began = watched if made is None else min(made + 0.5 + ahead, watched)
    return max(0.0, now - began)


def remember(state: VideoState, look: Look, now: float, ahead: float = 0.0) -> tuple[float, ...]:
    """What a row keeps of a job's progress after this look (see :mod:`bridge.pacing.progress`)."""
    if not isinstance(look, Observed):
        return state.reports
    sums = progress.seen(progress.as_sums(state.reports), elapsed_of(state, now, ahead), look.video.progress)
    return () if sums == progress.NONE else tuple([round(each, 4) for each in sums])


def belief_about(state: VideoState, prospect: Prospect) -> Belief:
    """What is believed of this very job."""
    return progress.sharpened(prospect.belief, progress.as_sums(state.reports), prospect.line)


def _worth(state: VideoState, now: float, pace: Pace, prospect: Prospect) -> float:
    price = prospect.price
    longest = pace.max_interval * math.sqrt(max(1.0, price / _DEAR))
    elapsed = elapsed_of(state, now, prospect.ahead)
    interval = worth_waiting(belief_about(state, prospect), elapsed, price, longest)
    if prospect.belief.jobs < FEW_JOBS and price <= _DEAR:
        return min(interval, FIRST_INTERVAL * GROWTH ** max(0, min(state.looks - 1, 64)))
    return interval
