"""A destination is tried out: what arrives has the form of a real event, and says to people that it is a test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from tests.harness import bridge_settings, serving
from tests.receiver import Received, Receiver
from tests.servers import http_client, running_server

NOWHERE = "http://127.0.0.1:9/v1"
MARK = "TEST, no video was made."
MAIL = {"kind": "email-webhook", "from": "b@example.com", "to": ["ann@example.com"]}

Try = Callable[[Mapping[str, Any]], Awaitable[Received]]


@pytest.fixture
async def tried(tmp_path: Path) -> AsyncIterator[Try]:
    """What a destination is sent when it is stored and tried out."""
    receiver = Receiver(refuse=lambda: PlainTextResponse("ok"))
    async with (
        running_server(receiver.app) as hook,
        serving(bridge_settings(tmp_path, NOWHERE)) as url,
        http_client(base_url=f"{url}/v1") as client,
    ):

        async def try_out(destination: Mapping[str, Any]) -> Received:
            body = {"name": "tried", "url": f"{hook}/{destination['kind']}", **destination}
            made = await client.post("/destinations", json=body)
            assert made.status_code == 201, made.text
            attempt = (await client.post("/destinations/tried/test")).json()
            assert (attempt["outcome"], attempt["trigger"]) == ("delivered", "test")
            return receiver.received[-1]

        yield try_out


async def test_a_callback_gets_the_whole_envelope_and_the_mark_where_its_words_are_free(tried: Try) -> None:
    call = await tried({"kind": "callback"})
    event = call.json
    assert (event["object"], event["type"], event["id"]) == ("event", "video.completed", call.id)
    assert len(event["data"]) == 13
    assert event["data"]["status"] == "completed"
    assert event["data"]["prompt"].startswith(MARK)
    assert set(event["watch"]) == {"id", "provider", "metadata", "url", "content_url", "thumbnail_url"}
    assert event["data"]["created_at"] < event["data"]["completed_at"] <= event["created_at"]
    assert (event["data"]["id"], event["watch"]["metadata"]) == ("video_test", {"test": "true"})


async def test_in_slack_the_notification_and_the_message_say_so_and_no_picture_is_asked_for(tried: Try) -> None:
    message = (await tried({"kind": "slack"})).json
    assert MARK in message["text"]
    assert MARK in json.dumps(message["blocks"])
    assert "image" not in [block["type"] for block in message["blocks"]]
    assert "http" not in json.dumps(message)


async def test_the_subject_of_a_mail_says_so_before_it_is_opened(tried: Try) -> None:
    mail = (await tried(MAIL)).json
    assert mail["subject"].startswith(f"Video completed: {MARK}")
    assert MARK in mail["text"]
    assert MARK in mail["html"]


async def test_of_a_failure_the_reason_says_so_too(tried: Try) -> None:
    message = (await tried({"kind": "slack", "events": ["video.failed"]})).json
    assert "This is a test: no video failed." in message["text"]
