"""SIGTERM while a provider and a receiver let it wait: it ends in time, and what was cut counts as never begun."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.process import BridgeProcess
from tests.parts import sql
from tests.ports import free_port
from tests.servers import http_client, running_server

pytestmark = pytest.mark.system

LONGEST_STOP = 20.0


class Hanging:
    """A provider and a receiver that take requests and say nothing, until they are let go."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.looks: asyncio.Queue[str] = asyncio.Queue()
        self.told: asyncio.Queue[str] = asyncio.Queue()
        routes = [Route("/v1/videos/{id}", self._show), Route("/hook", self._hear, methods=["POST"])]
        self.app = Starlette(routes=routes)

    async def _show(self, request: Request) -> Response:
        video_id = request.path_params["id"]
        if video_id != "ended":
            await self.looks.put(video_id)
            await self.free.wait()
        return JSONResponse({"id": video_id, "object": "video", "status": "completed"})

    async def _hear(self, request: Request) -> Response:
        await self.told.put((await request.json())["data"]["id"])
        await self.free.wait()
        return Response(status_code=204)


@pytest.mark.chaos
async def test_what_hangs_is_cut_in_time_and_due_at_once(tmp_path: Path) -> None:
    hanging = Hanging()
    async with running_server(hanging.app) as url, asyncio.timeout(50):
        environ = {"OPENAI_BASE_URL": f"{url}/v1", "BRIDGE_DELIVERY_TIMEOUT": "120"}
        bridge = BridgeProcess(tmp_path, free_port(), environ)
        await bridge.start()
        async with http_client(base_url=bridge.url) as client:
            for name in ("ended", "hangs"):
                await client.post("/v1/watches", json={"video_id": name, "callback_url": f"{url}/hook"})
        assert (await hanging.looks.get(), await hanging.told.get()) == ("hangs", "ended")
        began = time.monotonic()
        assert await bridge.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < LONGEST_STOP
        # unixepoch() has no fractions: what is due now may be due later in the second it shows.
        left = "SELECT attempts, lease_owner, next_at < unixepoch() + 1 FROM deliveries"
        assert sql(tmp_path, left) == [(0, None, 1)]
        left = "SELECT looks, lease_owner, next_at < unixepoch() + 1 FROM videos WHERE video_id = 'hangs'"
        assert sql(tmp_path, left) == [(0, None, 1)]
        hanging.free.set()
        await bridge.start()
        assert {await hanging.told.get(), await hanging.told.get()} == {"ended", "hangs"}
        assert await bridge.end(signal.SIGTERM) == 0
