"""Deliveries end to end by one process: events that are due, claimed, rendered, kept, signed, sent and durably recorded
on SQLite, to one receiver on another core.

The baseline is an asyncio script without any durability: the same events rendered, signed and sent by an
`httpx.AsyncClient` with its default limits, 64 at a time. Per CPU second says what a core can do that is not shared.

What limits it, by a profile of the loop's thread: rendering, signing and sending take 65 % (a third of that is the
kernel's own send), claiming and recording 22 %, the line each delivery leaves in the log 13 %. SQLite's thread takes a
fifth of that besides, and both share one Python."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import httpx

from bridge.clock import SystemClock
from bridge.models import EventType, Observed, Video, VideoStatus
from bridge.notifiers.base import Address
from bridge.notifiers.callback import CallbackNotifier
from bridge.poller.recording import Looked
from bridge.registry import Registration
from bridge.rendering import Told
from bridge.signing import new_secret
from tests.bench.cores import Spent, spending
from tests.bench.figures import Row
from tests.bench.wire import Wire, wire
from tests.parts import Parts, Setting, open_parts

EVENTS = 2000
CONCURRENCY = 64
_VIDEO = Video(
    "video",
    VideoStatus.COMPLETED,
    model="sora-2",
    progress=100,
    created_at=1763870000,
    completed_at=1763870060,
    prompt="a cat that plays the piano",
    seconds="4",
    size="720x1280",
)
_METADATA = {"campaign": "spring"}


async def measure(runs: int) -> list[Row]:
    """Two rows: by the wall and by CPU time."""
    ours, script = [], []
    for _ in range(runs):
        async with wire() as server:
            script.append(await by_script(server))
            ours.append(await by_bridge(server))
    rows = []
    for what, of in (
        ("Deliveries a second", lambda spent: spent.wall),
        ("the same a CPU second", lambda spent: spent.cpu),
    ):
        rate, baseline = EVENTS / median(map(of, ours)), EVENTS / median(map(of, script))
        rows.append(Row(what, f"{rate:,.0f}", f"{baseline:,.0f} by the script", f"{rate / baseline:.1f}"))
    return rows


async def by_bridge(server: Wire) -> Spent:
    """What the bridge spends on all events."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        clock = SystemClock()
        parts = await stack.enter_async_context(
            open_parts(Path(folder), clock, {"openai": f"{server.url}/v1"}, Setting(retries=(5.0,)))  # type: ignore[arg-type]
        )
        await _ended(parts, f"{server.url}/hook")
        sender, stop = parts.new_sender(), asyncio.Event()
        before = await server.answered()
        with spending() as spent:
            running = asyncio.create_task(sender.run(stop, 20.0))
            await server.answered(before + EVENTS)
            stop.set()
            await running  # the last results are recorded
        return spent


async def _ended(parts: Parts, hook: str) -> None:
    """Events that are due."""
    for start in range(0, EVENTS, 500):
        bodies = [
            Registration(video_id=f"video_{start + place}", callback_url=hook, metadata=_METADATA)
            for place in range(500)
        ]
        await parts.registry.register_many(bodies, created_by=None)
    while claims := await parts.poller.claim():
        await parts.poller.record([Looked(each, Observed(_VIDEO), each.deadline or 0) for each in claims])


async def by_script(server: Wire) -> Spent:
    """What the script spends on all events."""
    notifier, secret = CallbackNotifier(new_secret(), lambda _url: []), new_secret()
    address = Address(f"{server.url}/hook", {"secret": secret})
    waiting = _told()

    async def send_some(client: httpx.AsyncClient) -> None:
        for told in waiting:
            body = notifier.compose({}, told, address)
            request = notifier.request(body, told.event_id, address, SystemClock().now())
            answer = await client.post(request.url, content=request.body, headers=request.headers)
            assert answer.status_code == 204

    with spending() as spent:
        async with httpx.AsyncClient(trust_env=False) as client:
            await asyncio.gather(*(send_some(client) for _ in range(CONCURRENCY)))
    return spent


def _told() -> Iterator[Told]:
    for number in range(EVENTS):
        yield Told(
            event_id=f"evt_{number:032x}",
            event_type=EventType.VIDEO_COMPLETED,
            created_at=1763870060.0,
            video=_VIDEO,
            watch_id=f"watch_{number:026}",
            watch_created_at=1763870000.0,
            provider="openai",
            metadata=_METADATA,
        )
