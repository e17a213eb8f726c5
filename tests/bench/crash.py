"""How soon the successor of a killed process delivers: from `kill -9` over the new start to the first callback.

The baseline is the time from start to ready of a process with nothing to do."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from statistics import median

from tests import postgres
from tests.bench.figures import Row
from tests.chaos.test_kills import field


async def measure(runs: int) -> list[Row]:
    """One row for each kind of database. On PostgreSQL the successor cannot know that it is alone."""
    return [await row("SQLite", runs), await row("PostgreSQL", runs)]


async def row(kind: str, runs: int) -> Row:
    """Medians of so many runs, each on an empty database."""
    starts, firsts = [], []
    for _ in range(runs):
        url = await asyncio.to_thread(postgres.emptied_url) if kind == "PostgreSQL" else None
        start, first = await one(url)
        starts.append(start)
        firsts.append(first)
    start, first = median(starts), median(firsts)
    return Row(
        f"{kind}: kill -9 to the first delivery",
        f"{first:.2f} s",
        f"{start:.2f} s to be ready",
        f"{first / start:.2f}",
    )


async def one(url: str | None) -> tuple[float, float]:
    """Seconds to be ready, and from the kill to the first delivery of the successor.

    :param url: of an empty PostgreSQL database; None for a SQLite file.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with field(Path(folder), url, 1) as its:
            its.receiver.refuse = lambda: None
            await its.register()
            await its.receiver.wait_for(its.size.videos // 4)  # the others end while it is gone, or after
            (bridge,) = its.bridges
            began = time.perf_counter()
            await bridge.end(signal.SIGKILL)
            restarted = time.perf_counter()
            ready = asyncio.create_task(bridge.start())
            seen = len(its.receiver.received)
            await its.receiver.wait_for(seen + 1, timeout=60)
            first = time.perf_counter() - began
            await ready
            return time.perf_counter() - restarted, first
