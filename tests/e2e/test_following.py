"""What a person sees who follows a video: its progress while it is made, told by the server itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.connection import Connection
from bridge.cli.follow import Follower
from bridge.clock import SystemClock
from bridge.simulator import SimulatorSettings
from tests.clock import ManualClock
from tests.harness import bridge_settings, serving
from tests.servers import http_client, running_simulator


class Seen:
    """Remembers what was reported."""

    def __init__(self) -> None:
        self.watches: list[JsonObject] = []
        self.messages: list[str] = []
        self._news = asyncio.Event()

    def changed(self, watch: JsonObject) -> None:
        self.watches.append(watch)
        self._news.set()

    def trouble(self, message: str) -> None:
        self.messages.append(message)

    def recovered(self) -> None:
        self.messages.append("recovered")

    @property
    def progress(self) -> list[int]:
        return [watch["video"]["progress"] for watch in self.watches if watch["video"]]

    async def until(self, progress: int) -> None:
        """Return once the video got so far."""
        while progress not in self.progress:
            self._news.clear()
            await self._news.wait()


async def register(bridge: str, video_id: str) -> JsonObject:
    body = {"video_id": video_id, "callback_url": "http://127.0.0.1:9/nobody"}
    async with http_client() as client:
        watch: JsonObject = (await client.post(f"{bridge}/v1/watches", json=body)).json()
    return watch


async def test_a_video_shows_its_progress_on_the_way(tmp_path: Path, clock: ManualClock) -> None:
    seen = Seen()
    async with running_simulator(SimulatorSettings(duration=100, queue_share=0), clock) as provider:
        video = provider.simulator.create("a cat")
        async with serving(bridge_settings(tmp_path, provider.base_url)) as bridge:
            watch = await register(bridge, video.id)
            async with BridgeClient(Connection(bridge)) as client:
                following = asyncio.create_task(Follower(client, SystemClock(), seen).follow([watch]))
                for progress in (0, 30, 60, 100):
                    await seen.until(progress)
                    await clock.advance(30 if progress < 60 else 40)
                results: list[Any] = await following
    assert results[0]["status"] == "completed"
    assert seen.progress == [0, 30, 60, 100]


async def test_a_server_that_stops_lets_go_of_all_who_listen(tmp_path: Path) -> None:
    async with running_simulator(SimulatorSettings(duration=100)) as provider:
        video = provider.simulator.create("a cat")
        async with http_client() as client:
            async with serving(bridge_settings(tmp_path, provider.base_url)) as bridge:
                watch = await register(bridge, video.id)
                request = client.build_request("GET", f"{bridge}/v1/watches/{watch['id']}/stream")
                answer = await client.send(request, stream=True)
                lines = answer.aiter_lines()
                assert await anext(lines) == "retry: 2000"
            rest = [line async for line in lines]
    assert "event: progress" in rest
    assert "event: ended" not in rest
