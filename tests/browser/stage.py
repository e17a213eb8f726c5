"""A bridge with something to see: videos in every state, deliveries that arrived and that did not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from starlette.responses import Response

from bridge.simulator import Simulator, SimulatorSettings
from tests.harness import bridge_settings, serving
from tests.receiver import Receiver
from tests.servers import http_client, running_server, running_simulator

WRITER = "writer-key-0123456789"
READER = "reader-key-0123456789"
HOSTILE = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">{{ 7 * 7 }} \u202e'
NETWORKS = "127.0.0.0/8"
HASTY = SimulatorSettings(duration=1.0)


@dataclass(frozen=True)
class Stage:
    """A running bridge with its simulated provider and its receiver of callbacks.

    :param broken: the paths that the receiver answers with 500.
    """

    url: str
    provider: str
    simulator: Simulator
    receiver: Receiver
    hook: str
    broken: set[str] = field(default_factory=set)

    def client(self, key: str | None = WRITER) -> httpx.AsyncClient:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return http_client(base_url=self.url, headers=headers)

    async def video(self, prompt: str) -> str:
        """Let the provider begin a video; its id."""
        async with http_client() as client:
            answer = await client.post(
                f"{self.provider}/videos",
                json={"prompt": prompt, "model": "sora-2-pro", "seconds": "8", "size": "1280x720"},
                headers={"authorization": "Bearer sk-simulated-key-0123456789"},
            )
        return str(answer.raise_for_status().json()["id"])

    async def register(self, prompt: str, **fields: Any) -> Any:
        """Begin a video and watch it; the watch."""
        fields = {"callback_url": f"{self.hook}/render-done", **fields}
        async with self.client() as client:
            answer = await client.post("/v1/watches", json={"video_id": await self.video(prompt), **fields})
        return answer.raise_for_status().json()

    async def until(self, path: str, wanted: int, **params: str) -> Sequence[Any]:
        """The entries of a list of the API, once there are so many."""
        async with self.client() as client, asyncio.timeout(30):
            while True:
                data: Sequence[Any] = (await client.get(path, params=params)).raise_for_status().json()["data"]
                if len(data) >= wanted:
                    return data
                await asyncio.sleep(0.05)


@asynccontextmanager
async def staged(
    folder: Path, *, keys: bool = True, jobs: SimulatorSettings = HASTY, **environ: str
) -> AsyncIterator[Stage]:
    """A bridge on real sockets, its provider and its receiver."""
    receiver = Receiver()
    async with running_simulator(jobs) as provider, running_server(receiver.app) as hook:
        if keys:
            environ = {"BRIDGE_API_KEYS": f"ci:{WRITER},grafana:{READER}:read", **environ}
        settings = bridge_settings(
            folder,
            provider.base_url,
            **{"BRIDGE_ALLOWED_NETWORKS": NETWORKS, "BRIDGE_DELIVERY_RETRIES": "0.3", **environ},
        )
        async with serving(settings) as url:
            yield Stage(url, provider.base_url, provider.simulator, receiver, hook)


async def fill(stage: Stage) -> None:
    """Put something on every page."""
    stage.receiver.refuse_path = partial(_answer, stage)
    async with stage.client() as client:
        for body in (
            {"name": "render-farm", "kind": "callback", "url": f"{stage.hook}/farm", "default": True},
            {"name": "team-slack", "kind": "slack", "url": f"{stage.hook}/services/T0/B0/XXXX"},
            {"name": "asset-store", "kind": "callback", "url": f"{stage.hook}/broken", "headers": {"X-Team": "ads"}},
            {
                "name": "editors",
                "kind": "email-webhook",
                "preset": "flat",
                "url": f"{stage.hook}/mail",
                "from": "bridge@example.com",
                "to": ["ana@example.com"],
            },
        ):
            (await client.post("/v1/destinations", json=body)).raise_for_status()
    shots: Sequence[tuple[str, dict[str, Any]]] = (
        (
            "A paper boat drifts down a rain-soaked street at dusk, neon reflected in the water",
            {"destinations": ["render-farm", "team-slack"]},
        ),
        (
            "Slow dolly through a greenhouse at first light, condensation on the glass",
            {"destinations": ["render-farm", "editors"]},
        ),
        ("Macro shot of a watch movement, gears turning, shallow depth of field", {"destinations": ["asset-store"]}),
        (
            "Crowd at a night market, steam and lanterns [fail=moderation_blocked]",
            {"destinations": ["render-farm", "team-slack"]},
        ),
        (HOSTILE, {"destinations": ["render-farm"]}),
        ("Drone rises over a terraced hillside in morning fog [duration=600]", {"destinations": ["render-farm"]}),
        ("A lighthouse keeper climbs the stairs [duration=40]", {"destinations": ["team-slack", "editors"]}),
        ("Origami crane unfolds itself on a desk [stuck]", {"destinations": ["render-farm", "team-slack"]}),
    )
    for number, (prompt, fields) in enumerate(shots):
        await stage.register(
            prompt, **fields, callback_url=None, metadata={"campaign": "spring", "shot": f"{number + 1:02}"}
        )
    await stage.until("/v1/deliveries", 1, status="failed")
    await stage.until("/v1/deliveries", 6, status="delivered")


async def paths(stage: Stage) -> dict[str, str]:
    """The pages by the names of their pictures."""
    async with stage.client() as client:
        watches = (await client.get("/v1/watches", params={"status": "completed", "order": "asc"})).json()["data"]
        deliveries = (await client.get("/v1/deliveries", params={"destination": "asset-store"})).json()["data"]
    return {
        "watches": "/",
        "watch": f"/watches/{watches[0]['id']}",
        "deliveries": "/deliveries",
        "delivery": f"/deliveries/{deliveries[-1]['id']}",
        "destinations": "/destinations",
        "destination": "/destinations/asset-store",
        "templates": "/templates",
        "overview": "/overview",
    }


def _answer(stage: Stage, path: str) -> Response | None:
    if path in stage.broken:
        return Response(status_code=500)
    if path.startswith("/services/"):
        return Response("ok")
    return Response('{"error": "unknown tenant"}', 422, media_type="application/json") if path == "/broken" else None
