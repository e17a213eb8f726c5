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
from bridge.pacing.progress import Line, Sums
from bridge.states import LOST_AFTER_LOOKS, VideoState

Kept = tuple[float, ...]
"""Sums over a job's reports as its row keeps them; nothing before there is any."""

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
    poll_after = look.poll_after if isinstance(look, Observed) else None
    return bounded(interval, poll_after, state.deadline, now, pace)


def bounded(interval: float, poll_after: float | None, deadline: float | None, now: float, pace: Pace) -> float:
    """When to look next, Unix seconds, where the interval is what it is worth.

    :param poll_after: the provider's wish. :param deadline: when the first watch gives up.
    """
    if interval < pace.min_interval:
        interval = pace.min_interval
    if poll_after is not None and interval < poll_after:
        interval = poll_after
    due = now + interval
    if deadline is None:
        return due
    return min(due, deadline if deadline > now else now + pace.min_interval)


def elapsed_of(state: VideoState, now: float, ahead: float = 0.0) -> float:
    """For how long the job has run: since the provider says it made it, else since it was first watched, seconds."""
    made = None if state.video is None else state.video.created_at
    return elapsed(made, now if state.registered_at is None else state.registered_at, now, ahead)


def elapsed(made: float | None, watched: float, now: float, ahead: float) -> float:
    """For how long a job has run, seconds, that its provider made and that was first watched at these moments."""
    # Half a second, because it is told in whole ones. Nothing is watched before it is made.
    began = watched if made is None else min(made + 0.5 + ahead, watched)
    return max(0.0, now - began)


def remember(state: VideoState, look: Look, now: float, ahead: float = 0.0) -> Kept:
    """What a row keeps of a job's progress after this look (see :mod:`bridge.pacing.progress`)."""
    if not isinstance(look, Observed):
        return state.reports
    sums = progress.as_sums(state.reports)
    return kept(progress.seen(sums, elapsed_of(state, now, ahead), look.video.progress))


def kept(sums: Sums) -> Kept:
    """The sums of a job as its row keeps them, to four places. Python's ``round`` takes twice as long as this."""
    return () if sums == progress.NONE else tuple([int(each * 1e4 + 0.5) / 1e4 for each in sums])


def belief_about(state: VideoState, prospect: Prospect) -> Belief:
    """What is believed of this very job."""
    return progress.sharpened(prospect.belief, progress.as_sums(state.reports), prospect.line)


def worth(sums: Sums, elapsed: float, looks: int, pace: Pace, prospect: Prospect) -> float:
    """For how long it is worth waiting before the next look at a job, seconds.

    :param sums: of its reports. :param elapsed: for how long it has run. :param looks: at it, so far.
    """
    price = prospect.price
    longest = pace.max_interval
    if price > _DEAR:
        longest *= math.sqrt(price / _DEAR)
    belief = progress.sharpened(prospect.belief, sums, prospect.line)
    interval = worth_waiting(belief, elapsed, price, longest)
    if prospect.belief.jobs < FEW_JOBS and price <= _DEAR:
        return min(interval, FIRST_INTERVAL * GROWTH ** max(0, min(looks - 1, 64)))
    return interval


def _worth(state: VideoState, now: float, pace: Pace, prospect: Prospect) -> float:
    elapsed = elapsed_of(state, now, prospect.ahead)
    return worth(progress.as_sums(state.reports), elapsed, state.looks, pace, prospect)
