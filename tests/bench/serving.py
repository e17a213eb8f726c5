"""`video-bridge serve` on the measured core, and a client on another."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import httpx
import psutil

from tests.bench.cores import pin_measured, pin_servers
from tests.bench.wire import Wire
from tests.e2e.process import BridgeProcess
from tests.ports import free_port


class Served:
    """A bridge in another process, and a client of it."""

    def __init__(self, process: BridgeProcess, client: httpx.AsyncClient) -> None:
        self.process = process
        self.client = client

    @property
    def _measured(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    def cpu(self) -> float:
        """CPU time it has used, seconds."""
        times = self._measured.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Memory it has resident, MiB."""
        return float(self._measured.memory_info().rss) / 2**20

    async def register(self, watches: Sequence[dict[str, Any]]) -> None:
        """Register up to a thousand."""
        answer = await self.client.post("/v1/watches/batch", json={"watches": watches})
        answer.raise_for_status()
        refused = [each for each in answer.json()["data"] if "error" in each]
        assert not refused, refused[0]

    async def restart(self, **environ: str) -> None:
        """Stop it, and start it again with other settings."""
        await self.process.end(SIGTERM)
        self.process.environ.update(environ)
        await self.start()

    async def start(self) -> None:
        """Start it on the measured core."""
        pin_measured()  # the child inherits it
        try:
            await self.process.start()
        finally:
            pin_servers()


@asynccontextmanager
async def served(folder: Path, wire: Wire, **environ: str) -> AsyncIterator[Served]:
    """A bridge on a new database, which polls and tells ``wire``."""
    pin_servers()
    settings = {"OPENAI_BASE_URL": f"{wire.url}/v1", "BRIDGE_LOG_FORMAT": "json", **environ}
    process = BridgeProcess(folder, free_port(), settings)
    process.patience = 120.0
    async with httpx.AsyncClient(base_url=process.url, trust_env=False, timeout=60) as client:
        bridge = Served(process, client)
        await bridge.start()
        try:
            yield bridge
        finally:
            await process.end(SIGTERM)


def a_batch(start: int, number: int, hook: str, *, ended: int = 0) -> list[dict[str, Any]]:
    """Registrations of videos of their own, for a few receivers.

    :param ended: every so many of them has ended; 0 for none.
    """
    return [
        {
            "video_id": f"{'ended' if ended and each % ended == 0 else 'video'}_{each}",
            "callback_url": f"{hook}/hook/{each % 4}",
            "metadata": {"campaign": "spring", "number": str(each)},
        }
        for each in range(start, start + number)
    ]


class Stopwatch:
    """How long requests take, seconds."""

    def __init__(self) -> None:
        self.took: list[float] = []

    async def timed(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        """Make a request."""
        began = time.perf_counter()
        answer = await client.request(method, path, **more)
        self.took.append(time.perf_counter() - began)
        answer.raise_for_status()
        return answer

    def p99(self) -> float:
        """What 99 of 100 stay below."""
        return sorted(self.took)[int(len(self.took) * 0.99)]
