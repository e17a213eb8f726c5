"""The main job, on real input: the SDK makes videos, the bridge watches them, a signed callback tells their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

from bridge.clock import SystemClock
from bridge.simulator import SimulatorSettings, create_simulator
from tests.harness import bridge_settings, serving
from tests.receiver import Receiver
from tests.servers import http_client, running_server


async def register(bridge: str, **body: Any) -> dict[str, Any]:
    async with http_client(base_url=bridge) as client:
        answer = await client.post("/v1/watches", json=body)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())


async def test_a_signed_callback_tells_the_end_of_each_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")  # the SDK would take one of the environment
    simulator = create_simulator(SimulatorSettings(duration=0.5, seed=1), SystemClock())
    receiver = Receiver()
    async with running_server(simulator) as provider, running_server(receiver.app) as hook:
        sdk = AsyncOpenAI(base_url=f"{provider}/v1", api_key="sk-simulated-key-0123456789")
        prompts = ["a cat", "a dog [fail]", "a bird"]
        made = [await sdk.videos.create(prompt=prompt) for prompt in prompts]
        await sdk.close()
        async with serving(bridge_settings(tmp_path, f"{provider}/v1")) as bridge:
            watches = [await register(bridge, video_id=video.id, callback_url=f"{hook}/done") for video in made]
            told = await receiver.wait_for(3)
    secret = watches[0]["destinations"][0]["signing_secret"]
    payloads = {call.json["data"]["id"]: call.verified(secret) for call in told}
    assert [payloads[video.id]["type"] for video in made] == ["video.completed", "video.failed", "video.completed"]
    for call in told:
        OpenAI(api_key="unused").webhooks.verify_signature(call.body.decode(), dict(call.headers), secret=secret)
