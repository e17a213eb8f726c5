"""A server that is stopped in the middle ends well, and goes on where it was."""

from __future__ import annotations

import signal
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest
from starlette.responses import Response

from tests.e2e.process import COMMAND, BridgeProcess
from tests.ports import free_port
from tests.receiver import Receiver
from tests.servers import http_client, running_server, running_simulator

pytestmark = pytest.mark.system


async def test_stopped_and_started_again_it_tells_what_ended_meanwhile(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.answers.append(Response(status_code=500))
    async with running_simulator() as provider, running_server(receiver.app) as hook:
        environ = {"OPENAI_BASE_URL": provider.base_url, "BRIDGE_DELIVERY_RETRIES": "0.5,0.5,0.5"}
        bridge = BridgeProcess(tmp_path, free_port(), environ)
        await bridge.start()
        provider.simulator.create("a cat [duration=0]", video_id="told once")
        provider.simulator.create("a dog", video_id="still rendered")
        async with http_client(base_url=bridge.url) as client:
            for name in ("told once", "still rendered"):
                await client.post("/v1/watches", json={"video_id": name, "callback_url": hook})
        await receiver.wait_for(1)
        assert await bridge.end(signal.SIGINT) == 0
        provider.simulator.end("still rendered")
        await bridge.start()
        await receiver.wait_for(3)
        assert await bridge.end(signal.SIGTERM) == 0
    first, *later = receiver.received
    assert sorted(call.json["data"]["id"] for call in later) == ["still rendered", "told once"]
    assert first.id in {call.id for call in later}


async def test_a_second_server_on_the_same_database_ends_with_exit_code_2_and_says_why(tmp_path: Path) -> None:
    bridge = BridgeProcess(tmp_path, free_port(), {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    await bridge.start()
    second = await create_subprocess_exec(*COMMAND, "--port", "0", cwd=tmp_path, env=bridge.environ, stderr=PIPE)
    _, said = await second.communicate()
    assert second.returncode == 2
    assert b"BRIDGE_DATABASE_URL" in said
    assert b"Traceback" not in said
    assert await bridge.end(signal.SIGTERM) == 0
