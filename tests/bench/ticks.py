"""What one tick's transaction costs by the number of rows in it: looks recorded, and attempts recorded.

The baseline is the tick of one row on the same database: writing is grouped, so a row among a thousand should cost a
small part of one alone. Each is done three times in a process and the last is measured: the first makes all statements
and opens all connections."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

from bridge.egress import Reply
from bridge.models import Observed, Outcome, Video, VideoStatus
from bridge.notifiers.base import Verdict
from bridge.poller.recording import Looked
from bridge.registry import Registration
from bridge.sender.attempting import Answer
from bridge.sender.loop import Sent
from tests import postgres
from tests.bench.figures import Row
from tests.clock import ManualClock
from tests.parts import _ON_POSTGRESQL, Parts, Setting, open_parts

SIZES = (1, 100, 1000)
_TURNS = 3


async def measure(runs: int) -> list[Row]:
    """Rows for both databases."""
    rows: list[Row] = []
    for kind in ("SQLite", "PostgreSQL"):
        costs: dict[tuple[str, int], list[float]] = {}
        for _ in range(runs):
            for size in SIZES:
                for what, seconds in (await one(kind, size)).items():
                    costs.setdefault((what, size), []).append(seconds / size)
        for (what, size), per_row in sorted(costs.items()):
            alone = median(costs[what, 1])
            cost = median(per_row)
            rows.append(
                Row(
                    f"{kind}: {what}, {size} rows",
                    f"{cost * 1e6:,.0f} µs per row",
                    f"{alone * 1e6:,.0f} µs alone",
                    f"{cost / alone:.2f}",
                )
            )
    return rows


async def one(kind: str, size: int) -> dict[str, float]:
    """Seconds for the transactions of one tick, by what they do."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "PostgreSQL":
            url = await asyncio.to_thread(postgres.emptied_url)
            Path(folder, _ON_POSTGRESQL).write_text(url)
        setting = Setting(room=size)
        async with open_parts(Path(folder), ManualClock(), {"openai": "http://127.0.0.1:9/v1"}, setting) as parts:
            return await _ticks(parts, size)


async def _ticks(parts: Parts, size: int) -> dict[str, float]:
    for turn in range(_TURNS):
        costs = await _turn(parts, size, turn)
    return costs


async def _turn(parts: Parts, size: int, turn: int) -> dict[str, float]:
    # Each its own host, so that all may be claimed at once.
    bodies = [
        Registration(video_id=f"video_{turn}_{number}", callback_url=f"http://127.{number // 250}.{number % 250}.9/")
        for number in range(size)
    ]
    await parts.registry.register_many(bodies, created_by=None)
    costs = {}
    video = Video("video", VideoStatus.IN_PROGRESS, progress=10)
    for what in ("a look that shows something new", "a look that shows nothing new"):
        costs[what] = await _looks(parts, size, Observed(video))
        await parts.clock.advance(60)
    costs["an end, its event and delivery"] = await _looks(parts, size, Observed(Video("video", VideoStatus.COMPLETED)))
    sender = parts.new_sender(room=2 * size)
    began = time.perf_counter()
    claims = await sender.claim()
    costs["deliveries claimed"] = time.perf_counter() - began
    assert len(claims) == size, len(claims)
    answer = Answer(Verdict(Outcome.DELIVERED), parts.clock.now(), 0.01, Reply(204))
    began = time.perf_counter()
    await sender.record([Sent(claim, answer, parts.clock.now()) for claim in claims])
    costs["an attempt recorded"] = time.perf_counter() - began
    return costs


async def _looks(parts: Parts, size: int, look: Observed) -> float:
    claims = await parts.poller.claim()
    assert len(claims) == size, len(claims)
    began = time.perf_counter()
    await parts.poller.record([Looked(claim, look, parts.clock.now()) for claim in claims])
    return time.perf_counter() - began
