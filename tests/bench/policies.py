"""Delay against requests: jobs one at a time, durations log-normal (median 60 s, σ 0.5), 1 to 30 s between two looks.

A policy's delay is from the end of a job to the look that sees it; the look at registration, which all have, is not
counted. Progress is the share of the time within ±5 points, in whole points. The policies that learn begin knowing
nothing. They are compared at equal mean delay, read from their curves (the plot shows them). The bounds are computed
from the true distribution, within the same 1 to 30 s: without progress the cheapest sequence of looks, by dynamic
programming over time; with progress the value of the best policy of all that see the same reports, by dynamic
programming over what they may know, which no policy can undercut.

![Delay against requests](images/delay-against-requests.svg)"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import mean, median

from bridge.models import Observed, Video, VideoStatus
from bridge.pacing import Learned, Pace, Prospect, believed, next_look, remember
from bridge.pacing.progress import as_sums
from bridge.states import VideoState
from tests.bench import bounds
from tests.bench.figures import Row
from tests.bench.plot import Curve, draw

PLOT = Path(__file__).parents[2] / "docs" / "images" / "delay-against-requests.svg"
MEDIAN, SIGMA, NOISE = 60.0, 0.5, 5.0
JOBS = 2000
PACE = Pace()
_VIDEO = Video("video", VideoStatus.IN_PROGRESS)


@dataclass(frozen=True)
class Point:
    """What a policy comes to, on average over many jobs: looks per job, and seconds of delay."""

    requests: float
    delay: float


class Steady:
    """Asks after fixed waits, whatever is known: the k-th of a job, counted from 0."""

    def __init__(self, wait: Callable[[int], float]) -> None:
        self._wait = wait

    def play(self, seconds: float, _: Random) -> tuple[int, float]:
        """Requests and delay of one job."""
        at, looks = 0.0, 0
        while at < seconds:
            at += self._wait(looks)
            looks += 1
        return looks, at - seconds


class Ours:
    """`bridge.pacing` as it is, at one price; it learns from job to job.

    :param progress: whether the jobs report any.
    """

    def __init__(self, price: float, *, progress: bool) -> None:
        self._price = price
        self._progress = progress
        self._learned = Learned()

    def play(self, seconds: float, chance: Random) -> tuple[int, float]:
        """Requests and delay of one job."""
        prospect = Prospect(believed([self._learned]), self._learned.line(), self._price)
        state, look = VideoState(_VIDEO, looks=1, registered_at=0.0), Observed(_VIDEO)
        at, looks = next_look(state, look, 0.0, PACE, prospect), 1
        while at < seconds:
            if self._progress:
                points = round(100 * at / seconds + chance.uniform(-NOISE, NOISE))
                look = Observed(replace(_VIDEO, progress=min(99, max(0, points))))
            state = state._replace(video=look.video, looks=state.looks + 1)
            state = state._replace(reports=remember(state, look, at))
            at = next_look(state, look, at, PACE, prospect)
            looks += 1
        self._learned = self._learned.after(seconds, as_sums(state.reports))
        return looks, at - seconds


def averaged(policy: Steady | Ours, seed: int) -> Point:
    """A policy over the same jobs as every other with this seed."""
    durations, chance = Random(seed), Random(seed + 1)
    played = [policy.play(durations.lognormvariate(math.log(MEDIAN), SIGMA), chance) for _ in range(JOBS)]
    return Point(mean(looks for looks, _ in played), mean(delay for _, delay in played))


def curves(seed: int) -> dict[str, list[Point]]:
    """Every policy, from few requests to many."""
    prices = [1.5**step for step in range(-5, 8)]
    return {
        "every so many seconds": [averaged(Steady(lambda _, s=s: s), seed) for s in _FIXED],  # type: ignore[misc]
        "back-off by a quarter": [averaged(Steady(_backing_off(first)), seed) for first in _FIRST_WAITS],
        "ours, no progress": [averaged(Ours(price, progress=False), seed) for price in prices],
        "ours, progress": [averaged(Ours(price, progress=True), seed) for price in prices],
    }


_FIRST_WAITS = (0.5, 1, 2, 4, 8)
_FIXED = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0)


def _backing_off(first: float) -> Callable[[int], float]:
    return lambda looks: max(PACE.min_interval, min(PACE.max_interval, first * 1.25**looks))


def requests_at(delay: float, curve: Iterable[Point]) -> float:
    """How many requests a policy needs for this mean delay; straight in the logarithms between what was measured."""
    points = sorted(curve, key=lambda point: point.delay)
    for low, high in pairwise(points):
        if low.delay <= delay <= high.delay:
            part = math.log(delay / low.delay) / math.log(high.delay / low.delay)
            return float(low.requests * (high.requests / low.requests) ** part)
    raise ValueError(f"no mean delay of {delay} s was measured")


async def measure(runs: int) -> list[Row]:
    """The two comparisons, and what one plan costs; draws the plot."""
    return await asyncio.to_thread(_measure, runs)


def _measure(runs: int) -> list[Row]:
    measured = [curves(seed) for seed in range(runs)]
    sequence = [Point(*bounds.without_progress(price, MEDIAN, SIGMA)) for price in (0.5, 1.0, 1.5, 2.5, 5.0)]
    values = {price: bounds.with_progress(price, MEDIAN, SIGMA, NOISE / 100) for price in (1.0, 4.0)}
    least = [
        Point(max((value - delay) / price for price, value in values.items()), delay) for delay in (1.5, 2, 2.5, 3)
    ]
    bound = {"bound, no progress": sequence, "bound, progress": least}
    dashed = [Curve(name, _pairs(points), dashed=True) for name, points in bound.items()]
    draw(PLOT, [*_drawn(measured[0]), *dashed])
    rows = []
    rows += _compared(measured, "ours, progress", "with progress", 2.5, least)
    rows += _compared(measured, "ours, no progress", "without progress", 5.0, sequence)
    return [*rows, _against_backing_off(measured), _cost()]


def _compared(
    measured: Sequence[dict[str, list[Point]]], ours: str, what: str, delay: float, bound: Sequence[Point]
) -> list[Row]:
    policy = median(requests_at(delay, run[ours]) for run in measured)
    fixed = median(requests_at(delay, run["every so many seconds"]) for run in measured)
    least = requests_at(delay, bound)
    shown = f"{policy:.2f} requests per job"
    case = f"{what}, mean delay {delay:g} s"
    return [
        Row(case, shown, f"{fixed:.1f} every {2 * delay:g} s", f"{policy / fixed:.2f}"),
        Row(case, shown, f"{least:.2f} at least (bound)", f"{policy / least:.2f}"),
    ]


def _against_backing_off(measured: Sequence[dict[str, list[Point]]]) -> Row:
    """Without progress, at the mean delay of the schedule that begins with two seconds."""
    backing = [run["back-off by a quarter"][_FIRST_WAITS.index(2)] for run in measured]
    delay, requests = median(point.delay for point in backing), median(point.requests for point in backing)
    policy = median(
        requests_at(point.delay, run["ours, no progress"]) for run, point in zip(measured, backing, strict=True)
    )
    case = f"without progress, mean delay {delay:.1f} s"
    return Row(case, f"{policy:.2f} requests per job", f"{requests:.1f} backing off", f"{policy / requests:.2f}")


def _cost() -> Row:
    """CPU time of a plan, at the moments a job is looked at."""
    prospect = Prospect(believed([Learned().after(60.0)]))
    states = [VideoState(_VIDEO, looks=9, registered_at=-at, reports=(2, at, 1, at * at, at, 0.5)) for at in _MOMENTS]
    began, rounds = time.process_time(), 200
    for _ in range(rounds):
        for state in states:
            next_look(state, Observed(_VIDEO), 0.0, PACE, prospect)
    each = (time.process_time() - began) / rounds / len(states)
    return Row("CPU time of one plan", f"{each * 1e6:.0f} µs")


_MOMENTS = (1.0, 10.0, 30.0, 50.0, 60.0, 70.0, 100.0, 200.0)


def _drawn(run: dict[str, list[Point]]) -> list[Curve]:
    return [Curve(name, _pairs(points)) for name, points in run.items()]


def _pairs(points: Iterable[Point]) -> list[tuple[float, float]]:
    return [(point.requests, point.delay) for point in points]
