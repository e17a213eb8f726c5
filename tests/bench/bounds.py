"""The least that any policy needs, computed with the true distribution of durations, within 1 to 30 s between looks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SOONEST, LATEST = 1.0, 30.0
_STEP = 0.25
_END = 1500.0


def without_progress(price: float, middle: float, sigma: float) -> tuple[float, float]:
    """Looks per job and mean delay of the cheapest sequence of looks at this price, seconds of delay per look.

    From the last moment back: what is still to be paid from a look at a moment on is that of the best next one.
    """
    moments = np.arange(0.0, _END, _STEP)
    ended = _ended(moments, middle, sigma)
    sums = np.concatenate([[0.0], np.cumsum(np.diff(ended) * (moments[1:] + moments[:-1]) / 2)])
    least, best = np.zeros(len(moments)), np.zeros(len(moments), int)
    soonest, latest = int(SOONEST / _STEP), int(LATEST / _STEP)
    for now in range(len(moments) - soonest - 1, -1, -1):
        then = np.arange(now + soonest, min(len(moments), now + latest + 1))
        late = moments[then] * (ended[then] - ended[now]) - (sums[then] - sums[now])
        costs = price * (1 - ended[now]) + late + least[then]
        best[now] = then[np.argmin(costs)]
        least[now] = costs.min()
    now, looks, delay = 0, 0.0, 0.0
    while best[now] > now:
        then_at = int(best[now])
        looks += 1 - ended[now]
        delay += moments[then_at] * (ended[then_at] - ended[now]) - (sums[then_at] - sums[now])
        now = then_at
    return float(looks), float(delay)


def _ended(moments: Array, middle: float, sigma: float) -> Array:
    shares = [
        0.0 if at <= 0 else 0.5 * math.erfc(-(math.log(at / middle)) / sigma / math.sqrt(2)) for at in moments.tolist()
    ]
    return np.array(shares)


def with_progress(price: float, middle: float, sigma: float, noise: float) -> float:
    """What a job costs the best policy that sees reports: price times its looks, and its delay, on average, seconds.

    For any policy, looks >= (cost - delay) / price. A report is the share of the job's time, evenly within ``noise``;
    what all reports of a job say together is that the share lies between two bounds. So the state is the time, the
    upper bound and the distance to the lower one; values are improved until they stay, on a grid.
    """
    grid = _Grid(price, middle, sigma, noise)
    for _ in range(_SWEEPS):
        grid.improve()
    return grid.beginning()


_SWEEPS = 3
_EVALUATIONS = 3


class _Grid:
    """States of knowing, the least cost from each, and the wait that brings it."""

    def __init__(self, price: float, middle: float, sigma: float, noise: float) -> None:
        self._price, self._middle, self._sigma, self._noise = price, middle, sigma, noise
        self._uppers = np.concatenate(
            [np.linspace(0.02, 0.8, 12, endpoint=False), 1 - 0.2 * np.linspace(1, 0, 14) ** 1.5]
        )
        self._widths = 2 * noise * np.linspace(0, 1, 9) ** 1.5
        self._logs = np.linspace(math.log(3), math.log(500), 20)
        upper, width, log = np.meshgrid(self._uppers, self._widths, self._logs, indexing="ij")
        self._upper, self._lower, self._time = upper, np.maximum(upper - width, 1e-4), np.exp(log)
        parts = (np.arange(10) + 0.5) / 10
        self._shares = self._lower[..., None] + (upper - self._lower)[..., None] * parts
        self._totals = self._time[..., None] / self._shares
        density = np.exp(-((np.log(self._totals / middle) / sigma) ** 2) / 2) / self._shares
        self._weights = density / np.maximum(density.sum(-1, keepdims=True), 1e-300)
        self._errors = noise * (2 * (np.arange(6) + 0.5) / 6 - 1)
        self._values = np.full(upper.shape, 1.5 * price)
        self._know()

    def _know(self) -> None:
        """Who knows the end exactly looks once more."""
        self._values[:, 0, :] = self._price

    def improve(self) -> None:
        """Choose the best wait in each state, then value that choice better."""
        chosen, least = np.zeros_like(self._values), np.full_like(self._values, np.inf)
        for wait in self._waits():
            cost = self._cost(wait)
            chosen, least = np.where(cost < least, wait, chosen), np.minimum(cost, least)
        self._values = least
        self._know()
        for _ in range(_EVALUATIONS):
            self._values = self._cost(chosen)
            self._know()

    def _waits(self) -> list[Array]:
        """Waits worth trying: to learn more before the end can come, or into the time when it may."""
        first, last = self._time / self._upper, np.minimum(self._time / self._lower, 4 * self._time / self._upper)
        moments = [self._time + (first - self._time) * part for part in (0.2, 0.4, 0.6, 0.8, 1.0)]
        moments += [first + (last - first) * part**1.3 for part in np.linspace(0, 1, 14)[1:].tolist()]
        return [np.clip(moment - self._time, SOONEST, LATEST) for moment in moments]

    def _cost(self, wait: Array) -> Array:
        then = self._time + wait
        grown = then / self._time
        shares = self._shares * grown[..., None]
        after = self._after(shares, self._lower * grown, self._upper * grown, then)
        late = then[..., None] - self._totals
        return self._price + np.asarray((np.where(shares >= 1, late, after) * self._weights).sum(-1))

    def _after(self, shares: Array, lower: Array, upper: Array, then: Array) -> Array:
        """The value after one more report of each of these shares, averaged over its noise."""
        told = shares[..., None] + self._errors
        low = np.maximum(np.maximum(lower[..., None, None], told - self._noise), 1e-4)
        high = np.minimum(np.minimum(upper[..., None, None], told + self._noise), 1.0)
        log = np.broadcast_to(np.log(then)[..., None, None], high.shape)
        return np.asarray(self._value(np.maximum(high, self._uppers[0]), np.maximum(high - low, 0), log).mean(-1))

    def _value(self, upper: Array, width: Array, log: Array) -> Array:
        """The value between the states of the grid, straight in each direction."""
        places = [
            _place(axis, at)
            for axis, at in zip((self._uppers, self._widths, self._logs), (upper, width, log), strict=True)
        ]
        found = np.zeros(upper.shape)
        for corner in np.ndindex(2, 2, 2):
            part = np.ones(upper.shape)
            index = []
            for (place, over), side in zip(places, corner, strict=True):
                part *= over if side else 1 - over
                index.append(place + side)
            found += part * self._values[tuple(index)]
        return found

    def beginning(self) -> float:
        """The cost of a job of which nothing is known but the distribution, with the best first look."""
        scores = np.linspace(-4, 4, 161)
        weights = np.exp(-(scores**2) / 2)
        weights /= weights.sum()
        totals = self._middle * np.exp(self._sigma * scores)
        costs = []
        for first in np.arange(5.0, LATEST + 0.5, 1.0):
            shares = first / totals
            nothing, all_of_it = np.zeros_like(shares), np.ones_like(shares)
            after = self._after(shares[:, None], nothing, all_of_it, np.full_like(shares, first))[:, 0]
            costs.append(float((weights * np.where(shares >= 1, first - totals, after)).sum()))
        return self._price + min(costs)


def _place(axis: Array, at: Array) -> tuple[NDArray[np.intp], Array]:
    """The points of an axis below these values, and how far each is on its way to the next one."""
    place = np.clip(np.searchsorted(axis, at) - 1, 0, len(axis) - 2)
    return place, np.clip((at - axis[place]) / (axis[place + 1] - axis[place]), 0, 1)
