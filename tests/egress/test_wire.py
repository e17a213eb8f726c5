"""What goes over one connection: bounded, no faster than it is wanted, and nothing on it that nobody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pytest_httpx import HTTPXMock

from bridge.egress import AddressPolicy, Door, OutgoingRequest, Reply
from bridge.egress.exchange import MAX_FIELDS, MAX_HEAD
from bridge.errors import EgressError
from bridge.models import Reason
from tests.egress.raw import RawServer, Script, raw_server, reply, say, say_and_close

OK = reply(b"ok")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def send(door: Door, server: RawServer, method: str = "POST", body: bytes = b"{}", timeout: float = 5) -> Reply:
    return await door.send(OutgoingRequest(method, server.url, body=body), timeout=timeout)


async def refused(door: Door, script: Script) -> EgressError:
    async with raw_server(script) as server:
        with pytest.raises(EgressError) as raised:
            await send(door, server)
    return raised.value


async def until_closed(server: RawServer) -> None:
    async with asyncio.timeout(5):
        while not server.closed:
            await asyncio.sleep(0)


# Where a reply ends


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("POST", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("POST", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK),
        ("POST", CHUNKED + b"2;a=b\r\nok\r\n0\r\nX-Trailer: c\r\n\r\n"),
        ("POST", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
    ],
)
async def test_a_connection_is_good_for_another_request_after(door: Door, method: str, answer: bytes) -> None:
    async with raw_server(answer) as server:
        got = [await send(door, server, method) for _ in range(2)]
        assert got[0].body == got[1].body
        assert (server.connections, got[0].truncated, got[1].body_error) == (1, False, None)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"more",
        OK + OK,
        b"HTTP/1.1 204 No Content\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        reply(b"ok", "Connection: close"),
        reply(b"ok", "Connection: close") + b"more",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\nmore",
    ],
)
async def test_a_connection_is_not_used_again_after(door: Door, answer: bytes) -> None:
    async with raw_server(answer) as server:
        first = await send(door, server)
        await send(door, server)
        assert (server.connections, first.truncated, first.body_error) == (2, False, None)


async def test_what_comes_while_nobody_asks_is_no_reply_to_the_next(door: Door) -> None:
    async def say_more_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(reply(b"smuggled"))

    async with raw_server(say_more_later) as server:
        assert (await send(door, server)).body == b"ok"
        await until_closed(server)
        assert (await send(door, server)).body == b"ok"


async def test_not_even_when_it_has_not_been_read_yet(door: Door) -> None:
    wrote = asyncio.Event()

    async def say_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(0)
        writer.write(reply(b"smuggled"))
        wrote.set()

    async with raw_server(say_more) as server:
        assert (await send(door, server)).body == b"ok"
        await wrote.wait()
        assert (await send(door, server)).body == b"ok"


async def test_a_coding_we_do_not_know_lasts_until_the_connection_ends(door: Door) -> None:
    async with raw_server(say_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nall")) as server:
        got = await send(door, server)
    assert (got.body, got.body_error) == (b"all", None)


# Bounds


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
        await writer.drain()


@pytest.mark.parametrize(
    "script",
    [
        flood,
        say(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * (MAX_FIELDS + 1) + b"\r\n"),
        say(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * MAX_HEAD + b"\r\n\r\n"),
        say(b"HTTP/1.1 200 " + b"O" * MAX_HEAD),
        say(*[b"HTTP/1.1 200 OK\r\nX-A: "] + [b"b" * 1000] * 200),
    ],
    ids=["1xx", "fields", "long field", "long reason", "in pieces"],
)
async def test_a_head_has_a_bound(door: Door, script: Script) -> None:
    assert (await refused(door, script)).reason is Reason.BAD_REPLY


@pytest.mark.parametrize("trailers", [b"X-A: b\r\n" * (MAX_FIELDS + 1), b"X-A: " + b"b" * MAX_HEAD])
async def test_so_have_trailers(door: Door, trailers: bytes) -> None:
    async with raw_server(CHUNKED + b"2\r\nok\r\n0\r\n" + trailers + b"\r\n\r\n") as server:
        got = await send(door, server)
    assert (got.status, got.body, got.body_error) == (200, b"ok", Reason.BAD_REPLY)


async def test_no_more_is_read_than_is_wanted(door: Door) -> None:
    poured = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            poured += 65_536
            await writer.drain()

    async with raw_server(pour) as server, door.stream(OutgoingRequest("GET", server.url), timeout=5) as got:
        await anext(got.chunks)
        settled = -1
        while settled != poured:  # what the sockets' buffers take
            settled = poured
            await asyncio.sleep(0.1)
        assert poured < 30_000_000


# Sending


async def test_a_large_body_arrives_whole(door: Door) -> None:
    body = bytes(range(256)) * 20_000
    async with raw_server(OK) as server:
        assert (await send(door, server, body=body)).body == b"ok"
    assert server.requests[0].endswith(b"\r\n\r\n" + body)


async def test_an_answer_before_the_body_is_sent_is_an_answer(door: Door) -> None:
    async def turn_down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(b"too much", status="413 Content Too Large"))
        await asyncio.Event().wait()

    async with raw_server(turn_down, unasked=True) as server:
        got = await send(door, server, body=bytes(20_000_000))
        assert (got.status, got.body) == (413, b"too much")
        await send(door, server)
        assert server.connections == 2


async def test_a_server_that_answers_before_it_is_asked(door: Door) -> None:
    async with raw_server(OK, unasked=True) as server:
        assert (await send(door, server)).body == b"ok"


# Streams


async def pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 9\r\nContent-Range: bytes 0-8/9\r\n\r\none")
    for piece in (b"two", b"six"):
        await asyncio.sleep(0.02)
        writer.write(piece)


async def test_a_reply_can_be_taken_as_it_comes(door: Door) -> None:
    async with raw_server(pieces) as server:
        for _ in range(2):
            async with door.stream(OutgoingRequest("GET", server.url, {"Range": "bytes=0-8"}), timeout=5) as got:
                assert (got.status, got.headers["content-range"]) == (206, "bytes 0-8/9")
                assert [chunk async for chunk in got.chunks] == [b"one", b"two", b"six"]
    assert server.connections == 1
    assert b"range: bytes=0-8" in server.requests[0]


async def test_one_that_is_left_early_is_closed(door: Door) -> None:
    async with raw_server(reply(b"half", length=100)) as server:
        async with door.stream(OutgoingRequest("GET", server.url), timeout=5) as got:
            assert await anext(got.chunks) == b"half"
        await until_closed(server)


async def taken(chunks: AsyncIterator[bytes]) -> Reason:
    with pytest.raises(EgressError) as raised:
        async for _ in chunks:
            pass
    return raised.value.reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (say(reply(b"half", length=9)), Reason.TIMEOUT),
        (say_and_close(reply(b"half", length=9)), Reason.RESET),
        (say(CHUNKED + b"4\r\nhalf\r\nrubbish"), Reason.BAD_REPLY),
    ],
    ids=["pauses", "closes", "is garbled"],
)
async def test_a_stream_that_breaks_off_says_why(door: Door, script: Script, reason: Reason) -> None:
    async with (
        raw_server(script) as server,
        door.stream(OutgoingRequest("GET", server.url), timeout=5, idle=0.1) as got,
    ):
        assert await taken(got.chunks) is reason


async def test_a_slow_reader_is_no_pause(door: Door) -> None:
    async with raw_server(pieces) as server:
        async with door.stream(OutgoingRequest("GET", server.url), timeout=0.2, idle=0.15) as got:
            read = b""
            async for chunk in got.chunks:
                read += chunk
                await asyncio.sleep(0.2)
        assert read == b"onetwosix"


async def test_a_stream_without_a_reply_says_why(door: Door) -> None:
    async with raw_server(say(b"HTTP/1.1 200 OK\r\n")) as server:
        with pytest.raises(EgressError) as raised:
            async with door.stream(OutgoingRequest("GET", server.url), timeout=0.1):
                pass
    assert raised.value.reason is Reason.TIMEOUT


async def test_a_stream_holds_its_place_until_it_is_left() -> None:
    door = Door(AddressPolicy(anywhere=True), max_connections=1)
    async with raw_server(reply(b"half", length=100)) as server, raw_server(OK) as other:
        async with door.stream(OutgoingRequest("GET", server.url), timeout=5):
            with pytest.raises(EgressError, match="no connection became free"):
                await send(door, other, timeout=0.1)
        assert (await send(door, other)).body == b"ok"
    await door.aclose()


async def test_what_intercepts_httpx_intercepts_streams(door: Door, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="https://example.com/", content=b"all")
    async with door.stream(OutgoingRequest("GET", "https://example.com/"), timeout=5) as got:
        assert [chunk async for chunk in got.chunks] == [b"all"]
