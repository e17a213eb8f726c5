from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from bridge.errors import TooLargeError
from bridge.web.bodies import MAX_BATCH_BODY, MAX_BODY, read_bytes
from tests.web.fakes import FakeRegistry

GOOD = b'{"video_id": "v"}'


async def send(client: httpx.AsyncClient, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/watches", content=content, headers=named)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=utf8; x=y",
        "application/vnd.video+json",
    ],
)
async def test_json_may_be_called_so(client: httpx.AsyncClient, media_type: str) -> None:
    assert (await send(client, GOOD, content_type=media_type)).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": ""},
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/jsonp"},
        {"content_type": "application/json, application/json"},
        {"content_type": "application/json; charset=latin-1"},
        {"content_type": "application/json; charset=utf-16"},
        {"content_type": "application/json", "content_encoding": "gzip"},
    ],
)
async def test_anything_else_is_an_unsupported_media_type(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await send(client, GOOD, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'\xef\xbb\xbf{"video_id":"v"}', b'{"video_id": NaN}'])
async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await send(client, content, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


async def test_the_field_with_bad_text_is_named(client: httpx.AsyncClient) -> None:
    content = b'{"video_id": "v", "metadata": {"k": "a\\u0000"}}'
    error = (await send(client, content, content_type="application/json")).json()["error"]
    assert (error["param"], error["code"]) == ("metadata.k", "invalid_text")


def padded(size: int) -> bytes:
    return GOOD + b" " * (size - len(GOOD))


async def test_a_body_may_be_as_large_as_the_limit(client: httpx.AsyncClient) -> None:
    assert (await send(client, padded(MAX_BODY), content_type="application/json")).status_code == 201


async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    answer = await send(client, padded(MAX_BODY + 1), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert registry.bodies == []


async def test_a_body_without_a_length_is_counted(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (MAX_BODY // 16)

    answer = await client.post("/v1/watches", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_a_batch_may_be_eight_times_as_large(client: httpx.AsyncClient) -> None:
    entry = b'{"watches": [' + GOOD + b"]}"
    for size, status in ((MAX_BATCH_BODY, 200), (MAX_BATCH_BODY + 1, 413)):
        content = entry + b" " * (size - len(entry))
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/watches/batch", content=content, headers=headers)
        assert answer.status_code == status


async def test_a_retry_with_a_huge_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/deliveries/dlv_1/retry", content=b" " * (MAX_BODY + 1))
    assert answer.status_code == 413


class Arriving:
    """A body that arrives in parts, and how many of them were taken."""

    def __init__(self, *messages: Message) -> None:
        self._messages = list(messages)
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += 1
        return self._messages.pop(0)

    def request(self, **headers: str) -> Request:
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return Request({"type": "http", "headers": raw}, self)


def part(content: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


async def test_parts_are_put_together() -> None:
    arriving = Arriving(part(b"ab"), part(b""), part(b"c", more=False))
    assert await read_bytes(arriving.request(), 3) == b"abc"


async def test_nothing_is_read_of_a_body_that_says_it_is_too_large() -> None:
    arriving = Arriving(part(b"abcd", more=False))
    with pytest.raises(TooLargeError):
        await read_bytes(arriving.request(content_length="4"), 3)
    assert arriving.taken == 0


async def test_reading_stops_at_the_limit() -> None:
    arriving = Arriving(*[part(b"ab")] * 10)
    with pytest.raises(TooLargeError):
        await read_bytes(arriving.request(content_length="1"), 3)
    assert arriving.taken == 2


async def test_a_client_that_leaves_while_it_sends_is_no_error_of_ours() -> None:
    arriving = Arriving(part(b"ab"), {"type": "http.disconnect"})
    with pytest.raises(ClientDisconnect):
        await read_bytes(arriving.request(), 3)
