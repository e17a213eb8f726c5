"""A fleet of jobs at a provider that lists, with a budget of 20 requests a second: how late their ends are noticed, and
what that costs in requests.

The baseline is what the SDK does, `AsyncOpenAI.videos.poll` every second, one task per job; of these a part is run, at
its ease, and its figures are per job. Jobs end as others begin (log-normal, median 60 s, σ 0.5). Delay is from the end
at the provider to the event in our database, over all jobs that ended in 40 seconds; requests per job are the requests
of that time divided by these jobs. One list shows the jobs that are in flight when the fleet is registered, and those
that begin later; it is read from nothing known, and measured after 20 seconds. The other goes back to all jobs there
ever were, so that its old pages show few that are still in flight; it is measured after 80 seconds.

What limits the delay is the budget, of which the price of a request leaves a twentieth unused: all prices that fill it
come to the same delay. In 100 seconds of the first list a quarter of the delay was that of the 5 % of jobs that were
seen more than three seconds late: old ones, on pages that show few others. Where the list goes back there are more such
pages; read in proportion to the root of the rate at which jobs on them end, pages alone would come to 1.25 s there."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import httpx
from openai import AsyncOpenAI

from tests.bench.farm import Plan, asked, running_farm
from tests.bench.figures import Row
from tests.ports import free_port

JOBS = int(os.environ.get("BRIDGE_BENCH_FLEET", "2000"))
RATE = JOBS / 100
WARM_UP = 20.0
LONG_WARM_UP = 80.0
LASTS = 40.0
POLLED = 40


@dataclass(frozen=True)
class Outcome:
    """What watching came to."""

    delay: float
    requests: float
    ended: int


async def measure(runs: int) -> list[Row]:
    """A row for each kind of list. A run takes long as it is; the first must do."""
    ours, later, theirs = await bridge(JOBS), await bridge(JOBS, past=True), await sdk(POLLED)
    return [
        Row(
            f"{JOBS} in flight, {RATE:g} requests/s: mean delay ({ours.ended} ends)",
            f"{ours.delay:.2f} s",
            f"{theirs.delay:.2f} s",
            f"{ours.delay / theirs.delay:.2f}",
        ),
        Row(
            "the same: requests per job",
            f"{ours.requests:.2f}",
            f"{theirs.requests:.1f}",
            f"1/{theirs.requests / ours.requests:.0f}",
        ),
        Row(
            f"in a list of all there ever were: mean delay ({later.ended} ends)",
            f"{later.delay:.2f} s",
            f"{theirs.delay:.2f} s",
            f"{later.delay / theirs.delay:.2f}",
        ),
        Row(
            "the same: requests per job",
            f"{later.requests:.2f}",
            f"{theirs.requests:.1f}",
            f"1/{theirs.requests / later.requests:.0f}",
        ),
    ]


async def bridge(jobs: int, *, past: bool = False) -> Outcome:
    """The whole server, started as a process, on SQLite.

    :param past: whether the list shows jobs, too, that had ended before the first of ours was registered.
    """
    warm_up = LONG_WARM_UP if past else WARM_UP
    plan = Plan(jobs, begins=time.time() + 3.0, lasts=warm_up + LASTS, past=past)
    with tempfile.TemporaryDirectory() as folder:
        async with running_farm(plan) as farm:
            port = free_port()
            environ = {
                "PATH": os.environ["PATH"],
                "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
                "BRIDGE_PORT": str(port),
                "BRIDGE_POLL_RATE": str(RATE),
                "BRIDGE_LOG_LEVEL": os.environ.get("BRIDGE_BENCH_LOG", "error"),
                "OPENAI_BASE_URL": f"{farm}/v1",
                "BRIDGE_CALLBACK_URL": f"{farm}/hook",
            }
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bridge", "serve", env=environ)
            try:
                return await _followed(plan, warm_up, f"http://127.0.0.1:{port}", farm, Path(folder, "bridge.db"))
            finally:
                process.terminate()
                await process.wait()


async def _followed(plan: Plan, warm_up: float, url: str, farm: str, database: Path) -> Outcome:
    begins = plan.begins + warm_up
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        await _ready(client)
        registering = asyncio.create_task(_register(client, plan))
        await asyncio.sleep(max(0.0, begins - time.time()))
        before = await asked(farm)
        await asyncio.sleep(LASTS)
        after = await asked(farm)
        await registering
        await asyncio.sleep(5)
    ends = {name: ends for name, _, ends in plan.all() if begins <= ends < begins + LASTS}
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT watches.video_id, events.created_at FROM events JOIN watches ON watches.id = events.watch_id"
        told = dict(connection.execute(query).fetchall())
    # Who has not been told when all is over is as late as that: it cannot look better than it is.
    delays = [told.get(name, time.time()) - at for name, at in ends.items()]
    print(f"  delays: median {median(delays):.2f}, longest {max(delays):.1f}, asked {after - before}", file=sys.stderr)
    return Outcome(fmean(delays), (after - before).total() / len(ends), len(ends))


async def _ready(client: httpx.AsyncClient) -> None:
    while True:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)


async def _register(client: httpx.AsyncClient, plan: Plan) -> None:
    """Register each job when it is made."""
    waiting = plan.all()
    while waiting:
        now = time.time()
        due = [name for name, at, _ in waiting[:200] if at <= now]
        if due:
            answer = await client.post("/v1/watches/batch", json={"watches": [{"video_id": name} for name in due]})
            answer.raise_for_status()
            waiting = waiting[len(due) :]
        else:
            await asyncio.sleep(0.25)


async def sdk(jobs: int) -> Outcome:
    """The SDK's own loop, one task per job."""
    plan = Plan(jobs, begins=time.time() + 3.0, lasts=WARM_UP + LASTS)
    began = plan.begins + WARM_UP
    found: dict[str, float] = {}

    async with running_farm(plan) as farm:
        client = AsyncOpenAI(api_key="sk-none", base_url=f"{farm}/v1")

        async def follow(name: str, at: float) -> None:
            await asyncio.sleep(max(0.0, at - time.time()))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                await client.videos.poll(name, poll_interval_ms=1000)
            found[name] = time.time()

        tasks = [asyncio.create_task(follow(name, at)) for name, at, _ in plan.all()]
        await asyncio.sleep(max(0.0, began - time.time()))
        before = await asked(farm)
        await asyncio.sleep(LASTS)
        after = await asked(farm)
        await asyncio.sleep(2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
    ends = {name: ends for name, _, ends in plan.all() if began <= ends < began + LASTS}
    return Outcome(
        fmean(found[name] - at for name, at in ends.items() if name in found),
        (after - before).total() / len(ends),
        len(ends),
    )
