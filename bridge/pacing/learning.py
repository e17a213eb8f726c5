"""How long jobs take, learned from those that finished: sums that fade, from all of a provider down to equal orders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from bridge.models import Video
from bridge.pacing import progress
from bridge.pacing.hazard import Belief
from bridge.pacing.progress import Line, Sums

# What a job counts for is down to a third after so many further ones: a server that got slower is followed.
_MEMORY = 64.0
_FADE = 1.0 - 1.0 / _MEMORY
# Nothing is known at all: somewhere between twenty seconds and six minutes, in two cases of three.
_GUESS = Belief(math.log(90.0), 1.4)
# So many jobs' worth is the word of the wider group, about the mean and about the spread.
_WIDER_MEAN, _WIDER_SPREAD = 1.5, 1.5
# Nobody's jobs are more alike than this.
_LEAST_SIGMA = 0.03
# Errors of estimates count up to so many times what was expected, squared.
_WORST = 50.0
_SHORTEST, _LONGEST = 0.5, 30 * 86_400.0
_TEXT = 64
# Few orders differ; of more than these the groups are made anew.
_ALIKE = 256


class Group(NamedTuple):
    """Jobs that are alike; an empty word stands for any."""

    provider: str
    model: str = ""
    seconds: str = ""
    size: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """How the table names it."""
        return (self.provider, self.model, self.seconds, self.size)


def group_of(provider: str, video: Video | None) -> Group:
    """The narrowest group of a video."""
    if video is None:
        return Group(provider)
    return group_named(provider, video.model, video.seconds, video.size)


@lru_cache(_ALIKE)
def group_named(provider: str, *words: str | None) -> Group:
    """The narrowest group of a provider's videos of this model, so many seconds and this size."""
    model, seconds, size = ((word or "")[:_TEXT] for word in words)
    return Group(provider, model, seconds, size)


def levels_of(group: Group) -> tuple[Group, ...]:
    """A group and those around it, the narrowest first: equal orders, the model, the provider."""
    wider = (group, Group(group.provider, group.model), Group(group.provider))
    return tuple(dict.fromkeys(wider))


@dataclass(frozen=True, slots=True)
class Learned:
    """What the finished jobs of a group say; all but ``jobs`` fades with each further one.

    :param jobs: how many there were. :param weight: how many they still count for.
    :param mean: of the logarithm of their seconds; :param squares: sum of squares around it.
    :param reports: sums over their progress reports, x as a share of each job's time.
    :param misses: squared errors of the estimates by progress, in units of what was expected of them.
    """

    jobs: int = 0
    weight: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    reports: Sums = progress.BEGINNING
    misses: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """What the table keeps."""
        numbers = {"weight": self.weight, "mean": self.mean, "squares": self.squares, "misses": self.misses}
        kept: dict[str, Any] = {name: round(value, 6) for name, value in numbers.items()}
        return kept | {"jobs": self.jobs, "reports": [round(each, 6) for each in self.reports]}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Learned:
        """The inverse of :meth:`as_dict`."""
        return cls(**{**kept, "reports": progress.as_sums(kept["reports"])})

    def after(self, seconds: float, sums: Sums = progress.NONE) -> Learned:
        """What is known after one more job that completed.

        :param seconds: from its creation to its end. :param sums: of its progress reports.
        """
        seconds = min(max(seconds, _SHORTEST), _LONGEST)
        at, weight = math.log(seconds), self.weight * _FADE + 1.0
        step = at - self.mean
        mean = self.mean + step / weight
        squares = self.squares * _FADE + step * (at - mean)
        more = replace(self, jobs=self.jobs + 1, weight=weight, mean=mean, squares=squares)
        return (
            more if sums[0] < 1 else replace(more, reports=self._reports(seconds, sums), misses=self._misses(at, sums))
        )

    def line(self) -> Line:
        """How progress goes with time in this group."""
        return progress.line_of(self.reports, math.sqrt(max(1.0, self.misses)))

    def _reports(self, seconds: float, sums: Sums) -> Sums:
        number, sx, sy, sxx, sxy, syy = sums
        shares = (number, sx / seconds, sy, sxx / seconds**2, sxy / seconds, syy)
        return progress.as_sums([old * _FADE + new for old, new in zip(self.reports, shares, strict=True)])

    def _misses(self, at: float, sums: Sums) -> float:
        found = progress.estimated(sums, self.line())
        if found is None:
            return self.misses
        miss = min(_WORST, ((found[0] - at) / found[1]) ** 2)
        return self.misses + (miss - self.misses) / min(self.jobs + 4.0, _MEMORY / 4)


def believed(known: Sequence[Learned]) -> Belief:
    """What a group and those around it say together, the narrowest first. What little one knows leans on the wider."""
    belief = _GUESS
    for each in reversed(known):
        if each.jobs:
            belief = _leaning(each, belief)
    return belief


def _leaning(learned: Learned, wider: Belief) -> Belief:
    total = learned.weight + _WIDER_MEAN
    apart = learned.mean - wider.mu
    mean = wider.mu + apart * learned.weight / total
    squares = learned.squares + apart * apart * learned.weight * _WIDER_MEAN / total
    variance = (squares + _WIDER_SPREAD * wider.sigma**2) / (learned.weight + _WIDER_SPREAD)
    # The mean is itself uncertain.
    return Belief(mean, max(_LEAST_SIGMA, math.sqrt(variance * (1 + 1 / total))), learned.jobs)
