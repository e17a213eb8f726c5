"""One process with 100,000 videos in flight: memory, start, and how quickly the API answers while it polls and delivers
as fast as it can (every fourth video it looks at has ended).

Memory is that of a process that polls as usual, after a minute and after ten (a quick run: after some seconds, and some
more). The baseline of the start is one with an empty database; that of the API's times is the same server with next to
nothing to do.

What a request waits for beside busy loops is SQLite's one turn to write: it goes ahead of the loops, but not ahead of a
transaction that has begun, and one of 32 looks takes some twenty milliseconds. What a start waits for is Python
importing what it needs: four fifths of its processor time, of which SQLAlchemy is a quarter."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM
from statistics import median

from tests.bench.figures import Row
from tests.bench.serving import Served, Stopwatch, a_batch, served
from tests.bench.wire import Wire, wire

WATCHES = 100_000
SIZE = 1000
SECONDS = 10.0
MINUTE = 60.0
MINUTES = 10
_IDLE = {"BRIDGE_POLL_RATE": "0.01"}
_USUAL = {"BRIDGE_POLL_RATE": "20"}
_FLAT_OUT = {"BRIDGE_POLL_RATE": "10000"}


async def measure(runs: int) -> list[Row]:
    """Rows for memory, start and the API."""
    idle, busy, told, starts = [], [], [], []
    every = SECONDS / MINUTES if runs == 1 else MINUTE
    with tempfile.TemporaryDirectory() as folder:
        async with wire() as server, served(Path(folder), server, **_IDLE) as bridge:
            empty, empty_cpu = middle([await ready(bridge) for _ in range(runs)])
            for first in range(0, WATCHES, SIZE):
                await bridge.register(a_batch(first, SIZE, server.url, ended=4))
            for run in range(runs):
                starts.append(await first_look(bridge, server))
                if run == 0:
                    grown = await memory(bridge, every)
                await bridge.restart(**_IDLE)
                idle.append((await asked(bridge, server, f"idle_{run}"))[0])
                await bridge.restart(**_FLAT_OUT)
                p99, rate = await asked(bridge, server, f"busy_{run}")
                busy.append(p99)
                told.append(rate)
            strained = bridge.memory()
    still, flat = median(idle), median(busy)
    start, start_cpu = middle(starts)
    return [
        *_memory_rows(grown, every, strained),
        Row(
            "From the start to the first look",
            f"{start:.2f} s",
            f"{empty:.2f} s to be ready, with an empty database",
            f"{start / empty:.2f}",
        ),
        Row(
            "The same as CPU time",
            f"{start_cpu:.2f} s",
            f"{empty_cpu:.2f} s",
            f"{start_cpu / empty_cpu:.2f}",
        ),
        Row(
            f"API p99 while {median(told):,.0f} looks and deliveries a second go out",
            f"{flat * 1000:.0f} ms",
            f"{still * 1000:.0f} ms idle",
            f"{flat / still:.1f}",
        ),
    ]


def _memory_rows(grown: list[float], every: float, strained: float) -> list[Row]:
    first, last, most = grown[0], grown[-1], max(grown)
    return [
        Row(
            f"Memory with {WATCHES:,} in flight, after {every * len(grown):.0f} s ({most:.0f} MiB at most)",
            f"{last:.0f} MiB",
            f"{first:.0f} MiB after {every:.0f} s",
            f"{last / first:.2f}",
        ),
        Row("The same, once it has worked flat out", f"{strained:.0f} MiB"),
    ]


def middle(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The medians by the wall and by CPU time, seconds."""
    return median(wall for wall, _ in times), median(cpu for _, cpu in times)


async def ready(bridge: Served) -> tuple[float, float]:
    """Seconds from the start of a process until it takes requests, and its CPU time until then."""
    await bridge.process.end(SIGTERM)
    began = time.perf_counter()
    await bridge.start()
    return time.perf_counter() - began, bridge.cpu()


async def first_look(bridge: Served, server: Wire) -> tuple[float, float]:
    """Seconds from the start of a process to its first look, and its CPU time until then."""
    await bridge.process.end(SIGTERM)
    seen = await server.answered()
    bridge.process.environ.update(_USUAL)
    began = time.perf_counter()
    starting = asyncio.create_task(bridge.start())
    await server.answered(seen + 1)
    took, spent = time.perf_counter() - began, bridge.cpu()
    await starting
    return took, spent


async def memory(bridge: Served, every: float) -> list[float]:
    """Memory while it polls, ten times, MiB.

    :param every: seconds from one time to the next.
    """
    grown = []
    for _ in range(MINUTES):
        await asyncio.sleep(every)
        grown.append(bridge.memory())
    return grown


async def asked(bridge: Served, server: Wire, prefix: str) -> tuple[float, float]:
    """The p99 of requests, seconds, and how many requests a second the bridge made meanwhile.

    One request in five registers a watch; each of those is there afterwards.
    """
    stopwatch, chance = Stopwatch(), random.Random(23)
    made: list[str] = []
    seen, began = await server.answered(), time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        if not made or chance.random() < 0.2:
            body = {"video_id": f"{prefix}_{len(made)}", "callback_url": f"{server.url}/api"}
            answer = await stopwatch.timed(bridge.client, "POST", "/v1/watches", json=body)
            made.append(answer.json()["id"])
        else:
            await stopwatch.timed(bridge.client, "GET", f"/v1/watches/{chance.choice(made)}")
        await asyncio.sleep(0.01)
    rate = (await server.answered() - seen) / (time.perf_counter() - began)
    for watch_id in made:
        (await bridge.client.get(f"/v1/watches/{watch_id}")).raise_for_status()
    return stopwatch.p99(), rate
