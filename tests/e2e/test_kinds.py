"""One watch, three kinds of destinations, two of them stored: each is told in its own way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse

from bridge.simulator import SimulatorSettings
from tests.harness import bridge_settings, serving
from tests.receiver import Received, Receiver
from tests.servers import http_client, running_server, running_simulator


def by_path(received: list[Received]) -> dict[str, Any]:
    return {call.path: json.loads(call.body) for call in received}


async def told(tmp_path: Path, destinations: list[Any], stored: list[dict[str, Any]], **environ: str) -> dict[str, Any]:
    """What arrives when a watch with these destinations ends; ``RECEIVER`` in a URL is the receiver."""
    receiver = Receiver(refuse=lambda: PlainTextResponse("ok"))
    async with running_simulator(SimulatorSettings(duration=0.2)) as provider, running_server(receiver.app) as hook:
        given = json.loads(json.dumps([destinations, stored, environ]).replace("RECEIVER", hook))
        video = provider.simulator.create('"A <boat> & co"').id
        settings = bridge_settings(tmp_path, provider.base_url, **given[2])
        async with serving(settings) as bridge, http_client(base_url=f"{bridge}/v1") as client:
            for each in given[1]:
                assert (await client.post("/destinations", json=each)).status_code == 201
            body = {"video_id": video, "destinations": given[0], "metadata": {"campaign": "spring"}}
            answer = await client.post("/watches", json=body)
            assert answer.status_code == 201, answer.text
            return by_path(await receiver.wait_for(len(given[0])))


async def test_each_kind_is_told_in_its_own_way(tmp_path: Path) -> None:
    mail = {"kind": "email-webhook", "url": "RECEIVER/mail", "from": "b@example.com", "to": ["ann@example.com"]}
    stored: list[dict[str, Any]] = [
        {"name": "team", "kind": "slack", "url": "RECEIVER/slack"},
        {"name": "people", **mail},
    ]
    arrived = await told(tmp_path, ["team", "people", {"kind": "callback", "url": "RECEIVER/call"}], stored)
    assert set(arrived) == {"/slack", "/mail", "/call"}
    assert "&lt;boat&gt; &amp; co" in json.dumps(arrived["/slack"])
    assert arrived["/mail"]["to"] == "ann@example.com"
    assert arrived["/call"]["type"] == "video.completed"


async def test_a_callback_may_be_given_a_template_that_uses_the_metadata_of_its_watch(tmp_path: Path) -> None:
    template = '{"event_type": "done", "client_payload": {"campaign": "{{ watch.metadata.campaign }}"}}'
    arrived = await told(tmp_path, [{"kind": "callback", "url": "RECEIVER/github", "template": template}], [])
    assert arrived["/github"] == {"event_type": "done", "client_payload": {"campaign": "spring"}}


async def test_who_names_only_a_recipient_gets_the_rest_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "BRIDGE_API_KEYS": "",
        "BRIDGE_EMAIL_WEBHOOK_URL": "RECEIVER/operator",
        "BRIDGE_EMAIL_TO": "ops@example.com",
        "BRIDGE_EMAIL_FROM": "bridge@example.com",
    }
    arrived = await told(tmp_path, [{"kind": "email-webhook", "to": ["ann@example.com"]}], [], **environ)
    assert (arrived["/operator"]["to"], arrived["/operator"]["from"]) == ("ann@example.com", "bridge@example.com")
