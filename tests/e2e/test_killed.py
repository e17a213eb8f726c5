"""A server that is killed with SIGKILL in the middle, again and again, loses nothing."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
from openai import AsyncOpenAI
from starlette.responses import Response

from bridge.ids import event_id
from bridge.simulator import SimulatorSettings
from tests.e2e.process import BridgeProcess
from tests.ports import free_port
from tests.receiver import Received, Receiver
from tests.servers import running_server, running_simulator

VIDEOS = 40
KILLS = 5


async def create_videos(base_url: str) -> list[str]:
    sdk = AsyncOpenAI(base_url=base_url, api_key="sk-simulated-key-0123456789")
    prompts = [f"video {number}{' [fail]' if number % 5 == 0 else ''}" for number in range(VIDEOS)]
    made = [(await sdk.videos.create(prompt=prompt)).id for prompt in prompts]
    await sdk.close()
    return made


async def register(bridge: str, ids: list[str], hook: str) -> list[Any]:
    watches = [{"video_id": video_id, "callback_url": hook} for video_id in ids]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{bridge}/v1/watches/batch", json={"watches": watches}, timeout=20)
    return list(answer.json()["data"])


async def all_told(receiver: Receiver, ids: set[str]) -> None:
    """Return once each event was accepted at least once."""
    async with asyncio.timeout(40):
        while not ids <= {call.id for call in receiver.accepted}:
            await receiver.wait_for(len(receiver.received) + 1)


def bodies_by_id(received: list[Received]) -> dict[str, set[bytes]]:
    found = defaultdict(set)
    for call in received:
        found[call.id].add(call.body)
    return found


async def test_killed_again_and_again_it_still_tells_every_end(tmp_path: Path) -> None:
    chance = random.Random(11)
    receiver = Receiver(refuse=lambda: Response(status_code=503) if chance.random() < 0.2 else None)
    simulator = SimulatorSettings(duration=3, spread=0.4, seed=11)
    async with running_simulator(simulator) as provider, running_server(receiver.app) as hook:
        bridge = BridgeProcess(
            tmp_path,
            free_port(),
            {
                "OPENAI_BASE_URL": provider.base_url,
                "BRIDGE_POLL_RATE": "200",
                "BRIDGE_POLL_MAX_INTERVAL": "0.3",
                "BRIDGE_DELIVERY_RETRIES": "0.1,0.2,0.3,0.5,1,1,1,1",
            },
        )
        ids = await create_videos(provider.base_url)
        await bridge.start()
        watches = await register(bridge.url, ids, f"{hook}/done")
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            await bridge.end(signal.SIGKILL)
            await bridge.start()
        kinds = {video_id: "failed" if number % 5 == 0 else "completed" for number, video_id in enumerate(ids)}
        await all_told(receiver, {event_id(watch["id"], f"video.{kinds[watch['video_id']]}") for watch in watches})
        assert await bridge.end(signal.SIGTERM) == 0
    told = bodies_by_id(receiver.received)
    assert len(told) == VIDEOS
    assert {len(bodies) for bodies in told.values()} == {1}
