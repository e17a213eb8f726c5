"""What a job's reported progress says of when it ends, and how far such reports are to be believed.

Reports are taken as points (share of the job's time, share of progress) around a line, which is learned for each group
of jobs: a server that counts from its queue, or stops at 90 %, has another line than the diagonal, and one that jumps
from 0 to 100 or stands still has none. A job itself keeps six sums of its reports, whatever their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.pacing.hazard import Belief

Sums = tuple[float, float, float, float, float, float]
"""Over points (x, y): their number, and the sums of x, y, x², xy and y²."""

NONE: Sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
# Before anything was learned: the diagonal, with ten points of noise, as firm as eight reports.
BEGINNING: Sums = (8.0, 4.0, 4.0, 2.5, 2.5, 2.58)
# A line so flat says nothing of time.
_FLATTEST = 0.2
# Whole points of progress are no finer.
_ROUNDING = 0.003
# What is no job's course: reports in its first millisecond, an end within one or after thirty years, no error at all.
_SOONEST = 1e-6
_SLOWEST, _FASTEST = 1e-9, 1e3
_SUREST = 1e-3
# An estimate that may be off by so much of itself is worth nothing.
_VAGUE = 0.7


@dataclass(frozen=True, slots=True)
class Line:
    """How progress goes with the share of the time: ``offset + slope * share``, give or take ``noise``.

    :param trust: by how much the errors of estimates exceed what the noise explains; 1 when they do not.
    """

    offset: float = 0.0
    slope: float = 1.0
    noise: float = 0.1
    trust: float = 1.0

    @property
    def informative(self) -> bool:
        """Whether progress says anything of time."""
        return self.slope >= _FLATTEST


def added(sums: Sums, x: float, y: float) -> Sums:
    """The sums with one more point."""
    number, sx, sy, sxx, sxy, syy = sums
    return (number + 1.0, sx + x, sy + y, sxx + x * x, sxy + x * y, syy + y * y)


def seen(sums: Sums, elapsed: float, percent: int | None) -> Sums:
    """The sums of a job after one more report. One of 0 says only that the job has not ended, and is left out."""
    if percent is None or not 0 < percent < 100 or elapsed <= 0:
        return sums
    return added(sums, elapsed, percent / 100.0)


def as_sums(kept: Sequence[float] | None) -> Sums:
    """The sums as a row keeps them; none when it keeps nothing, or something else."""
    if kept is None or len(kept) != len(NONE):
        return NONE
    number, sx, sy, sxx, sxy, syy = kept
    return (number, sx, sy, sxx, sxy, syy)


def line_of(sums: Sums, trust: float = 1.0) -> Line:
    """The line through reports of finished jobs; x is the share of each job's own time."""
    number, sx, sy, sxx, sxy, syy = sums
    spread = sxx - sx * sx / number
    if spread <= 0:
        return Line(trust=trust)
    slope = (sxy - sx * sy / number) / spread
    left = max(0.0, syy - sy * sy / number - slope * (sxy - sx * sy / number))
    return Line((sy - slope * sx) / number, slope, max(_ROUNDING, math.sqrt(left / number)), trust)


def estimated(sums: Sums, line: Line) -> tuple[float, float] | None:
    """The logarithm of the job's whole time as its reports have it, and the error of that; None when they say nothing.

    The line through the job's own points must pass where no time has passed, so one report is enough for it; the more
    they scatter around it, the less they are believed.
    """
    number, sx, sy, sxx, sxy, syy = sums
    if number < 1 or sxx <= _SOONEST or not line.informative:
        return None
    along = sxy - line.offset * sx
    speed = along / (line.slope * sxx)
    if not _SLOWEST < speed < _FASTEST:
        return None
    noise = line.noise
    if number >= 3:
        scatter = syy - 2 * line.offset * sy + number * line.offset**2 - along * along / sxx
        noise = max(noise, math.sqrt(max(0.0, scatter) / (number - 1)))
    error = noise / (math.sqrt(sxx) * line.slope * speed)
    return -math.log(speed), max(error, _SUREST)


def sharpened(belief: Belief, sums: Sums, line: Line) -> Belief:
    """The belief after a job's own reports: both are normal in the logarithm, and weigh by their precision."""
    found = estimated(sums, line)
    if found is None:
        return belief
    at, error = found
    error *= line.trust
    if error > _VAGUE:
        return belief
    known, told = belief.sigma**-2, error**-2
    return Belief((belief.mu * known + at * told) / (known + told), (known + told) ** -0.5, belief.jobs)
