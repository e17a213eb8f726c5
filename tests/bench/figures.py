"""Figures and how they are shown."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure and the baseline it is measured against.

    :param ratio: how the two compare, as text; empty where the figure stands for itself.
    """

    what: str
    figure: str
    baseline: str = ""
    ratio: str = ""


def table(rows: Iterable[Row]) -> str:
    """Rows as a Markdown table."""
    lines = ["| what | figure | baseline in the same run | ratio |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.figure} | {row.baseline} | {row.ratio} |" for row in rows]
    return "\n".join(lines) + "\n"


async def timed(work: Callable[[], Awaitable[object]], runs: int) -> float:
    """The median time of something, seconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        await work()
        times.append(time.perf_counter() - began)
    return median(times)
