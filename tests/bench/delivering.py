"""Deliveries per second, end to end: rendered, kept, signed, sent to real sockets and recorded durably on SQLite.

The baseline is the same load with every receiver well; one that hangs beside 1,000 good ones should cost less than a
tenth."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from bridge.clock import SystemClock
from bridge.models import Observed, Video, VideoStatus
from bridge.poller.recording import Looked
from bridge.registry import Registration
from bridge.sender.loop import Sender
from tests.bench.figures import Row
from tests.parts import Parts, Setting, open_parts

RECEIVERS = 1000
EVENTS = 2000
HANGING = 200


async def measure(runs: int) -> list[Row]:
    """One row: with a receiver that hangs, against the same without."""
    alone, beside = [], []
    for _ in range(runs):
        alone.append(await rate(hanging=0))
        beside.append(await rate(hanging=HANGING))
    well, ill = median(alone), median(beside)
    return [
        Row(f"{EVENTS} events for {RECEIVERS} good receivers, each a host", f"{well:,.0f}/s"),
        Row(
            f"the same with {HANGING} events due for one that hangs",
            f"{ill:,.0f}/s",
            f"{well:,.0f}/s without",
            f"{ill / well:.2f}",
        ),
    ]


async def rate(hanging: int) -> float:
    """Deliveries per second to the good receivers."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        good = await stack.enter_async_context(answering())
        silent = await stack.enter_async_context(silence())
        setting = Setting(delivery_timeout=15.0)
        clock = SystemClock()
        parts = await stack.enter_async_context(
            open_parts(Path(folder), clock, {"openai": "http://127.0.0.1:9/v1"}, setting)  # type: ignore[arg-type]
        )
        urls = [f"http://127.9.{number // 250}.{number % 250 + 1}:{good.port}/" for number in range(RECEIVERS)]
        await ended(parts, [f"http://127.8.0.1:{silent}/"] * hanging + [urls[n % RECEIVERS] for n in range(EVENTS)])
        sender = parts.new_sender()
        began = time.perf_counter()
        await until(sender, lambda: good.answered >= EVENTS)
        return EVENTS / (time.perf_counter() - began)


async def until(sender: Sender, enough: object) -> None:
    """Run the sender until that is so."""
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop, 0.0))
    while not enough():  # type: ignore[operator]
        await asyncio.sleep(0.005)
    stop.set()
    await running


async def ended(parts: Parts, urls: list[str]) -> None:
    """A video that has ended for each URL, in this order."""
    for start in range(0, len(urls), 500):
        bodies = [
            Registration(video_id=f"video_{start + place}", callback_url=url)
            for place, url in enumerate(urls[start : start + 500])
        ]
        await parts.registry.register_many(bodies, created_by=None)
    while claims := await parts.poller.claim():
        looks = [
            Looked(each, Observed(Video(each.video_id, VideoStatus.COMPLETED)), each.deadline or 0) for each in claims
        ]
        await parts.poller.record(looks)


class Good:
    """Counts what it answered."""

    def __init__(self) -> None:
        self.answered = 0
        self.port = 0


@asynccontextmanager
async def answering() -> AsyncIterator[Good]:
    """A receiver on all loopback addresses that answers each request with 204 at once."""
    good = Good()

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport
            self.waiting = b""

        def data_received(self, data: bytes) -> None:
            self.waiting += data
            head, found, body = self.waiting.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(body) >= length:
                self.waiting = body[length:]
                good.answered += 1
                self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")  # type: ignore[attr-defined]

    server = await asyncio.get_running_loop().create_server(Protocol, "0.0.0.0", 0)
    good.port = server.sockets[0].getsockname()[1]
    yield good
    server.close()


@asynccontextmanager
async def silence() -> AsyncIterator[int]:
    """The port of a receiver that takes requests and never answers."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "0.0.0.0", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
