from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bridge.cli.client import BridgeClient, JsonObject, NoStreamError
from bridge.cli.connection import Connection
from bridge.cli.exits import RefusedError, UnreachableError
from tests.cli.samples import WATCH_ID, at_progress, completed, make_watch
from tests.cli.stub import StubBridge, refusal
from tests.servers import running_server

EVENT = f"data: {json.dumps(make_watch())}\n\n"


def events(*chunks: str | None) -> StreamingResponse:
    """An answer of these pieces; after None nothing comes any more."""

    async def pieces() -> AsyncIterator[str]:
        for chunk in chunks:
            if chunk is None:
                await asyncio.Event().wait()
            yield chunk or ""

    return StreamingResponse(pieces(), media_type="text/event-stream")


async def heard(url: str, patience: float = 30) -> list[JsonObject]:
    async with BridgeClient(Connection(url)) as client:
        return [watch async for watch in client.stream(WATCH_ID, patience=patience)]


async def test_every_state_comes_as_it_is_told(stub: StubBridge) -> None:
    stub.add(make_watch())
    stub.course("video_abc", at_progress(20), completed())
    assert [watch["status"] for watch in await heard(stub.url)] == ["watching", "watching", "completed"]
    assert stub.asked[0].headers["accept"] == "text/event-stream"


async def test_a_stream_that_breaks_is_an_end_and_no_error() -> None:
    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": EVENT.encode(), "more_body": True})
        scope["state"]["reset"]()

    async with running_server(breaking) as url:
        assert await heard(url) == [make_watch()]


async def test_a_stream_that_ends_before_it_tells_anything_is_empty(stub: StubBridge) -> None:
    stub.next_answers.append(events(": nothing\n\n"))
    assert await heard(stub.url) == []


@pytest.mark.parametrize("answer", [refusal(404), refusal(405), PlainTextResponse("hello"), Response(status_code=204)])
async def test_what_is_no_stream_is_said(stub: StubBridge, answer: Response) -> None:
    stub.next_answers.append(answer)
    with pytest.raises(NoStreamError):
        await heard(stub.url)


async def test_a_proxy_that_holds_events_back_is_no_stream(stub: StubBridge) -> None:
    stub.next_answers.append(events(": wait for more\n\n", None))
    with pytest.raises(NoStreamError):
        await heard(stub.url, patience=0.05)


async def test_a_proxy_that_holds_the_whole_answer_back_is_no_stream() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        while (await Request(scope, receive).receive())["type"] != "http.disconnect":
            pass

    async with running_server(silent) as url:
        with pytest.raises(NoStreamError):
            await heard(url, patience=0.05)


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_other_refusals_are_refusals(stub: StubBridge, status: int) -> None:
    stub.next_answers.append(refusal(status))
    with pytest.raises(RefusedError) as caught:
        await heard(stub.url)
    assert caught.value.status == status


@pytest.mark.parametrize("data", ["[]", "{", '{"object": "list"}', "[" * 100_000])
async def test_what_is_no_watch_is_no_bridge(stub: StubBridge, data: str) -> None:
    stub.next_answers.append(events(f"data: {data}\n\n"))
    with pytest.raises(UnreachableError, match="not a video-bridge server"):
        await heard(stub.url)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError):
        await heard("http://127.0.0.1:9")


async def test_the_connection_is_given_back_by_whoever_stops_listening(stub: StubBridge) -> None:
    stub.add(make_watch())
    async with BridgeClient(Connection(stub.url)) as client:
        for _ in range(30):  # more than there are connections
            stream: Any = client.stream(WATCH_ID)
            await anext(stream)
            await stream.aclose()
        assert (await client.watch(WATCH_ID))["id"] == WATCH_ID
