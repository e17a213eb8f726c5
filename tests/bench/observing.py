"""Observations per CPU second of the observing process: single looks, and pages of a list, all written down on SQLite.

The baseline is a bare loop of `httpx.AsyncClient` with its default limits, 64 requests under way, that reads the JSON
and writes nothing. Each figure is of the CPU time of this process, all its threads; the server is another process.
Each row of a page counts as a look and is written; a job's progress moves by a percent every few seconds, so that of
the rows of one page some show something new.

What limits pages, by a profile: of the loop's thread deciding when to look again takes 23 %, the page itself (asking,
its bytes, its JSON) as much, comparing rows with what is known 18 %, reading stored rows 12 %, writing 8 %; SQLite's
thread takes a fifth of all."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import httpx

from bridge.clock import SystemClock
from bridge.egress import AddressPolicy, Door
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.pacing import Pace
from bridge.poller import Lane, Poller, Sweeper
from bridge.providers.budget import Budget
from bridge.providers.listing import TRUSTED_AFTER, Listing
from bridge.providers.openai import OpenAIProvider
from bridge.settings import ProviderSettings
from bridge.store import Database, migrate, videos
from bridge.store import lanes as store_lanes
from tests.bench.farm import Plan, running_farm
from tests.bench.figures import Row

JOBS = 2000
WARM = 300
ENOUGH = 2000
PATIENCE = 20.0
CONCURRENCY = 64


async def measure(runs: int) -> list[Row]:
    """Two rows against the same baseline."""
    bare, single, swept = [], [], []
    for _ in range(runs):
        # Jobs that take an hour: nothing ends meanwhile.
        plan = Plan(JOBS, median=600.0, begins=time.time(), lasts=0.0)
        async with running_farm(plan) as url:
            bare.append(await baseline(plan, url))
            single.append(await looking(plan, url, pages=False))
            swept.append(await looking(plan, url, pages=True))
    base, looks, pages = median(bare), median(single), median(swept)
    baseline_text = f"{base:,.0f} by httpx alone"
    return [
        Row("single looks per CPU second", f"{looks:,.0f}", baseline_text, f"{looks / base:.1f}"),
        Row("observations by pages per CPU second", f"{pages:,.0f}", baseline_text, f"{pages / base:.1f}"),
    ]


async def baseline(plan: Plan, url: str) -> float:
    """Videos read per CPU second by httpx alone."""
    names = itertools.cycle([name for name, _, _ in plan.all()])
    read, until = 0, time.monotonic() + PATIENCE
    async with httpx.AsyncClient(trust_env=False) as client:

        async def look() -> None:
            nonlocal read
            while read < ENOUGH and time.monotonic() < until:
                answer = await client.get(f"{url}/v1/videos/{next(names)}")
                assert answer.json()["status"]
                read += 1

        began = time.process_time()
        await asyncio.gather(*(look() for _ in range(CONCURRENCY)))
        return read / (time.process_time() - began)


async def looking(plan: Plan, url: str, *, pages: bool) -> float:
    """Videos observed per CPU second by our loops, as fast as they go."""
    async with loops(url) as (database, poller, sweeper):
        async with database.write() as tx:
            for name, _, _ in plan.all():
                video = await videos.add(tx, "farm", name, database.now())
                await videos.watch_until(tx, video.id, database.now() + 86_400, database.now())
        running: Poller | Sweeper = sweeper if pages else poller
        stop = asyncio.Event()
        observed = asyncio.create_task(running.run(stop, 5.0))
        await _until(database, WARM)  # the first statements are compiled, every video is seen once
        before, began = await _looks(database), time.process_time()
        await _until(database, before + (10 * ENOUGH if pages else ENOUGH))
        seen, spent = await _looks(database) - before, time.process_time() - began
        stop.set()
        await observed
        return seen / spent


async def _until(database: Database, looks: int) -> None:
    until = time.monotonic() + PATIENCE
    while await _looks(database) < looks and time.monotonic() < until:
        await asyncio.sleep(1.0)  # asking costs what is measured


async def _looks(database: Database) -> int:
    async with database.read() as tx:
        return int((await tx.exec_driver_sql("SELECT sum(looks) FROM videos")).scalar_one())


@asynccontextmanager
async def loops(url: str) -> AsyncIterator[tuple[Database, Poller, Sweeper]]:
    """The two loops that observe, on a new file, with no bound on how often."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        address = f"sqlite:///{Path(folder, 'bridge.db')}"
        await asyncio.to_thread(migrate, address)
        clock = SystemClock()
        database = Database(address, clock)
        stack.push_async_callback(database.aclose)
        door = Door(AddressPolicy(anywhere=True))
        stack.push_async_callback(door.aclose)
        config = ProviderSettings(name="farm", base_url=f"{url}/v1", rate=100_000.0)
        provider = OpenAIProvider(config, door, Budget(config.rate, database.clock), clock)
        lanes = {"farm": Lane(provider, CONCURRENCY)}
        pace, metrics, bell = Pace(min_interval=0.1, max_interval=0.1), Metrics(["farm"]), Bell()
        poller = Poller(
            database,
            lanes,
            clock=database.clock,
            bell=bell,
            told=Bell(),
            ended=Bell(),
            progress=Bell(),
            pace=pace,
            metrics=metrics,
        )
        sweeper = Sweeper(
            database, lanes, clock=database.clock, bell=bell, pace=pace, metrics=metrics, announce=poller.announce
        )
        await poller.open()
        async with database.write() as tx:  # it has matched single looks before
            await store_lanes.keep_listing(tx, "farm", Listing(works=True, matched=TRUSTED_AFTER).as_dict())
        await sweeper.open()
        yield database, poller, sweeper
