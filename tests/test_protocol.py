"""What a client may send before anybody looks at it, on a real socket."""

from __future__ import annotations

import asyncio
import json
import logging
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from structlog.testing import capture_logs

from bridge.app import protocol
from bridge.app.server import listen, make_server
from bridge.web.eventstream import EventStream, Write
from bridge.web.health import Readiness
from bridge.web.requestlog import RequestLog
from tests.clock import ManualClock
from tests.harness import bridge_settings, serving


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serving(bridge_settings(tmp_path, "http://127.0.0.1:9/v1")) as url:
        yield url


async def all_that_comes(reader: asyncio.StreamReader) -> bytes:
    """What is answered, to the end of the connection: a reset, when it is closed to somebody who is still sending."""
    came = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            came += piece
    return came


async def answer_to(url: str, *pieces: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of what is answered to these bytes, to the end of the connection."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
    async with asyncio.timeout(20):
        head, _, body = (await all_that_comes(reader)).partition(b"\r\n\r\n")
    writer.close()
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body)


REFUSED = {
    "no http": (b"hello there, is anybody at home?\r\n\r\n", 400, "invalid_http"),
    "an unknown method": (b"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "invalid_http"),
    "a bad chunk": (
        b"POST /v1/watches HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        400,
        "invalid_http",
    ),
    "a long url": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "url_too_long"),
    "many headers": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"x: y\r\n" * 200 + b"\r\n",
        431,
        "headers_too_large",
    ),
    "a large header": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        431,
        "headers_too_large",
    ),
}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_read_is_refused_in_the_shape_of_every_refusal(
    url: str, sent: bytes, status: int, code: str
) -> None:
    answered, headers, body = await answer_to(url, sent)
    assert (answered, body["error"]["code"], body["error"]["param"]) == (status, code, None)
    assert headers["x-request-id"].startswith("req_")
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")


GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET.replace(b"/healthz", b"/" + b"a" * (protocol.MAX_URL - 1)) + b"\r\n", 404),
        (GET.replace(b"/healthz", b"/" + b"a" * protocol.MAX_URL) + b"\r\n", 414),
        (GET + b"a: b\r\n" * (protocol.MAX_HEADERS - 2) + b"\r\n", 200),
        (GET + b"a: b\r\n" * (protocol.MAX_HEADERS - 1) + b"\r\n", 431),
        (GET + b"a: " + b"b" * (protocol.MAX_HEADER_BYTES - 29) + b"\r\n\r\n", 200),
        (GET + b"a: " + b"b" * (protocol.MAX_HEADER_BYTES - 28) + b"\r\n\r\n", 431),
    ],
    ids=["url", "longer url", "headers", "more headers", "large header", "larger header"],
)
async def test_the_bounds_are_where_they_are_said_to_be(url: str, sent: bytes, status: int) -> None:
    assert (await answer_to(url, sent))[0] == status


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nx: ",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: ",
    ],
    ids=["a header's value", "a header's name", "a trailer"],
)
async def test_what_never_ends_is_not_hoarded(url: str, head: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    answered = asyncio.ensure_future(all_that_comes(reader))
    sent = 0
    async with asyncio.timeout(20):
        while not answered.done() and sent < 4_000_000:
            writer.write(b"y" * 50_000)
            sent += 50_000
            await asyncio.wait({answered}, timeout=0.01)
    assert answered.done()
    writer.close()


async def test_a_trailer_is_no_header(url: str) -> None:
    head = b"POST /v1/watches HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    status, _, body = await answer_to(url, head + b"2\r\n{}\r\n0\r\nContent-Type: application/json\r\n\r\n")
    assert (status, body["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("wanted", [b"websocket", b"h2c"])
async def test_who_asks_for_another_protocol_is_answered_in_this_one(
    url: str, caplog: pytest.LogCaptureFixture, wanted: bytes
) -> None:
    caplog.set_level(logging.WARNING, "uvicorn.error")
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: " + wanted + b"\r\n\r\n"
    status, _, body = await answer_to(url, b"GET /v1/watches HTTP/1.1\r\nHost: localhost\r\n" + upgrade)
    assert (status, body["object"]) == (200, "list")
    assert caplog.messages == []


async def test_after_a_refusal_nothing_more_is_read(url: str) -> None:
    good = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    status, _, body = await answer_to(url, b"nonsense\r\n\r\n" + good)
    assert (status, body["error"]["code"]) == (400, "invalid_http")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HT",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nx: y",
        b"POST /v1/watches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 90\r\n\r\n{",
    ],
    ids=["nothing", "half a line", "half the headers", "half the body"],
)
async def test_a_request_that_does_not_arrive_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch, url: str, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.2)
    status, _, body = await answer_to(url, sent)
    assert (status, body["error"]["code"]) == (408, "request_timeout")


async def test_trickling_does_not_keep_it_alive(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.3)
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /healthz HTTP/1.1\r\n")
    answered = asyncio.ensure_future(all_that_comes(reader))
    async with asyncio.timeout(20):
        while not answered.done():
            writer.write(b"x: y\r\n")
            await asyncio.sleep(0.05)
    assert b"408" in answered.result().split(b"\r\n")[0]
    writer.close()


async def test_who_waits_for_an_answer_is_not_given_up(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    body = json.dumps({"video_id": "v", "callback_url": "http://127.0.0.1:9/"}).encode()
    head = b"HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    made = await answer_to(
        url,
        b"POST /v1/watches "
        + head
        + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body,
    )
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.5)
    path = f"/v1/watches/{made[2]['id']}?wait=1".encode()
    status, _, shown = await answer_to(url, b"GET " + path + b" " + head + b"\r\n")
    assert (status, shown["status"]) == (200, "watching")


class Flood(EventStream):
    """Writes for as long as somebody takes it."""

    async def tell(self, write: Write) -> None:
        while True:
            await write(b": more\n\n" * 2_000_000)  # more than sockets keep for who takes nothing


@asynccontextmanager
async def flooding(patience: float) -> AsyncIterator[tuple[str, int]]:
    """Where every path is answered by a flood; when the block ends, the server stops."""

    async def nobody_pings() -> None:
        return

    readiness = Readiness({}, nobody_pings)

    async def flood(_: Request) -> Flood:
        return Flood(readiness, ExitStack(), patience=patience)

    web = Starlette(routes=[Route("/", flood)], middleware=[Middleware(RequestLog, clock=ManualClock())])
    with listen("127.0.0.1", 0) as listener:
        server = make_server(web)
        running = asyncio.create_task(server.serve([listener]))
        await server.up.wait()
        yield listener.getsockname()
        readiness.stop()
        server.should_exit = True
        await running


@contextmanager
def no_faults(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing inside is logged as a fault of ours."""
    with capture_logs() as logs:
        yield
    assert [log for log in logs if log["log_level"] == "error"] == []
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def ask_and_take_nothing(client: socket.socket, address: tuple[str, int]) -> select.poll:
    """What tells of the end of the connection, and of nothing else."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(address)
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    closed = select.poll()
    closed.register(client, 0)
    return closed


async def test_the_connection_of_who_takes_nothing_is_closed_and_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with no_faults(caplog), socket.socket() as client:
        async with flooding(patience=0.3) as address:
            closed = ask_and_take_nothing(client, address)
            assert await asyncio.to_thread(closed.poll, 20_000)


async def test_who_takes_nothing_does_not_hold_up_a_stop(caplog: pytest.LogCaptureFixture) -> None:
    with no_faults(caplog), socket.socket() as client:
        async with flooding(patience=60) as address:
            closed = ask_and_take_nothing(client, address)
            await asyncio.to_thread(select.select, [client], [], [], 20)  # the answer has begun
        assert await asyncio.to_thread(closed.poll, 20_000)
