"""The door, against real servers that behave well and badly."""

from __future__ import annotations

import asyncio
import gzip
import resource
import zlib
from dataclasses import replace

import pytest
from pytest_httpx import HTTPXMock

from bridge import __version__
from bridge.egress import Door, OutgoingRequest, Reply
from bridge.errors import EgressError
from bridge.models import Reason
from tests.egress.conftest import MakeDoor
from tests.egress.raw import (
    Script,
    hang,
    pour,
    raw_server,
    reply,
    say,
    say_and_close,
    say_and_reset,
)

CUT_SHORT = reply(b"half", length=100)


def post(url: str, body: bytes = b"{}", **headers: str) -> OutgoingRequest:
    return OutgoingRequest("POST", url, headers, body)


async def send(door: Door, url: str, *, timeout: float = 10, max_reply: int = 1000) -> Reply:
    return await door.send(post(url), timeout=timeout, max_reply=max_reply)


async def failure(door: Door, url: str, *, timeout: float = 10) -> EgressError:
    with pytest.raises(EgressError) as raised:
        await send(door, url, timeout=timeout)
    return raised.value


# What is sent and what comes back


async def test_a_request_arrives_as_it_was_given(door: Door) -> None:
    async with raw_server(reply()) as server:
        await door.send(post(server.url + "a?b=c", b'{"x":1}', **{"X-Team": "ads"}), timeout=10)
    lines = server.requests[0].split(b"\r\n")
    assert lines[0] == b"POST /a?b=c HTTP/1.1"
    assert {b"x-team: ads", b"Content-Length: 7", b"Host: 127.0.0.1:%d" % server.port} <= set(lines)
    assert lines[-1] == b'{"x":1}'


async def test_we_say_who_we_are_and_ask_for_no_compression(door: Door) -> None:
    async with raw_server(reply()) as server:
        await send(door, server.url)
    head = server.requests[0].decode()
    assert f"user-agent: video-bridge/{__version__}\r\n" in head
    assert "accept-encoding: identity\r\n" in head


async def test_headers_that_frame_the_body_are_not_the_callers(door: Door) -> None:
    wrong = {"Content-Length": "1", "Transfer-Encoding": "chunked", "Connection": "close", "Accept-Encoding": "br"}
    async with raw_server(reply(b"ok")) as server:
        got = await door.send(post(server.url, b"whole body", **wrong), timeout=10)
    assert got.body == b"ok"
    assert server.requests[0].endswith(b"\r\n\r\nwhole body")
    assert b"chunked" not in server.requests[0]


async def test_a_reply_has_status_headers_and_body(door: Door) -> None:
    async with raw_server(reply(b"made", "X-A: 1", "x-a: 2", "X-B: \xe4", status="201 Created")) as server:
        got = await send(door, server.url)
    assert (got.status, got.body, got.truncated, got.body_error) == (201, b"made", False, None)
    assert got.headers["x-a"] == "1, 2"
    assert got.duration > 0


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "429 Too Many Requests", "500 Oops", "599 Odd"])
async def test_every_status_is_a_reply(door: Door, status: str) -> None:
    async with raw_server(reply(status=status)) as server:
        assert (await send(door, server.url)).status == int(status[:3])


async def test_a_redirect_is_not_followed(door: Door) -> None:
    async with raw_server(reply()) as elsewhere:
        moved = reply(b"", f"Location: {elsewhere.url}", status="307 Temporary Redirect")
        async with raw_server(moved) as server:
            got = await send(door, server.url)
    assert (got.status, got.headers["location"]) == (307, elsewhere.url)
    assert elsewhere.connections == 0


async def test_no_cookie_is_kept(door: Door) -> None:
    async with raw_server(reply(b"", "Set-Cookie: a=b")) as server:
        await send(door, server.url)
        await send(door, server.url)
    assert b"cookie" not in server.requests[1].lower()


async def test_the_environments_proxy_is_not_used(make_door: MakeDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with raw_server(reply(b"direct")) as server:
        assert (await send(make_door(), server.url)).body == b"direct"


async def test_nothing_is_tried_twice(door: Door) -> None:
    async with raw_server(say_and_close()) as server:
        await failure(door, server.url)
    assert len(server.requests) == 1


async def test_interception_by_pytest_httpx_works(door: Door, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="https://example.com/hook", status_code=202, text="taken", headers={"X-A": "1"})
    got = await send(door, "https://example.com/hook")
    assert (got.status, got.body, got.headers["x-a"]) == (202, b"taken", "1")


# Bodies that misbehave


@pytest.mark.parametrize(("length", "truncated"), [(1000, False), (1001, True)])
async def test_a_body_is_read_up_to_the_limit(door: Door, length: int, truncated: bool) -> None:
    async with raw_server(reply(b"x" * length)) as server:
        got = await send(door, server.url, max_reply=1000)
    assert (len(got.body), got.truncated, got.body_error) == (1000, truncated, None)


async def test_an_endless_body_is_cut_at_the_limit(door: Door) -> None:
    async with raw_server(pour) as server:
        got = await send(door, server.url, max_reply=65_536)
    assert (len(got.body), got.truncated, got.body_error) == (65_536, True, None)


async def test_an_endless_body_does_not_hold_a_place(make_door: MakeDoor) -> None:
    door = make_door(max_connections=1)
    async with raw_server(pour) as endless, raw_server(reply(b"ok")) as server:
        await send(door, endless.url)
        assert (await send(door, server.url)).body == b"ok"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_reply_is_understood(door: Door, encoding: str, pack: type[bytes]) -> None:
    async with raw_server(reply(pack(b"ok"), f"Content-Encoding: {encoding}")) as server:
        assert (await send(door, server.url)).body == b"ok"


async def test_a_compressed_bomb_counts_with_its_full_size(door: Door) -> None:
    async with raw_server(reply(gzip.compress(b"\0" * 5_000_000), "Content-Encoding: gzip")) as server:
        got = await send(door, server.url, max_reply=65_536)
    assert (got.body, got.truncated) == (b"\0" * 65_536, True)


async def test_an_unknown_encoding_is_left_as_it_is(door: Door) -> None:
    async with raw_server(reply(b"\x0b\x00", "Content-Encoding: br")) as server:
        assert (await send(door, server.url)).body == b"\x0b\x00"


@pytest.mark.parametrize(
    ("script", "body", "reason"),
    [
        (say(CUT_SHORT), b"half", Reason.TIMEOUT),
        (say_and_close(CUT_SHORT), b"half", Reason.RESET),
        (say_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), b"half", Reason.RESET),
        (
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nrubbish\r\n"),
            b"half",
            Reason.BAD_REPLY,
        ),
        (say(reply(b"no gzip", "Content-Encoding: gzip")), b"", Reason.BAD_REPLY),
        (say(reply(gzip.compress(b"half")[:-8], "Content-Encoding: gzip")), b"half", Reason.BAD_REPLY),
    ],
    ids=["stalls", "closes", "closes between chunks", "bad chunk", "no gzip", "half a gzip"],
)
async def test_once_the_head_is_here_the_body_is_best_effort(
    door: Door, script: Script, body: bytes, reason: Reason
) -> None:
    async with raw_server(script) as server:
        got = await send(door, server.url, timeout=0.5)
    assert (got.status, got.body, got.truncated, got.body_error) == (200, body, True, reason)


async def test_a_reset_in_the_body_leaves_the_status(door: Door) -> None:
    async with raw_server(say_and_reset(CUT_SHORT)) as server:
        got = await send(door, server.url)
    assert (got.status, got.truncated, got.body_error) == (200, True, Reason.RESET)


async def test_a_body_that_ends_with_the_connection_is_whole(door: Door) -> None:
    async with raw_server(say_and_close(b"HTTP/1.0 200 OK\r\n\r\nall of it")) as server:
        got = await send(door, server.url)
    assert (got.body, got.truncated) == (b"all of it", False)


# No reply


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (say_and_close(), Reason.RESET),
        (say_and_reset(), Reason.RESET),
        (hang, Reason.TIMEOUT),
        (say(b"HTTP/1.1 200 OK\r\nX-Slow: "), Reason.TIMEOUT),
        (say(b"HTTP/1.1 100 Continue\r\n\r\n"), Reason.TIMEOUT),
        (say(b"SSH-2.0-OpenSSH_9.6\r\n"), Reason.BAD_REPLY),
        (say(b"H"), Reason.TIMEOUT),
        (say_and_close(b"220 mail.example.com ESMTP\r\n"), Reason.BAD_REPLY),
        (say_and_close(b"HTTP/1.1 200 OK\r\nX-Cut: "), Reason.BAD_REPLY),
        (say(b"HTTP/1.1 abc OK\r\n\r\n"), Reason.BAD_REPLY),
        (say(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000), Reason.BAD_REPLY),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Reason.BAD_REPLY),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), Reason.BAD_REPLY),
    ],
    ids=[
        *("closed", "reset", "silent", "slow head", "only continue", "SSH", "one byte", "SMTP", "cut head"),
        *("bad status", "endless head", "bad length", "two lengths"),
    ],
)
async def test_without_a_reply_the_reason_says_why(door: Door, script: Script, reason: Reason) -> None:
    async with raw_server(script) as server:
        assert (await failure(door, server.url, timeout=0.5)).reason is reason


async def test_a_host_that_does_not_answer_is_named(door: Door) -> None:
    async with raw_server(hang) as server:
        assert (await failure(door, server.url, timeout=0.1)).detail == "127.0.0.1: no reply within 0.1 s"


async def test_nobody_listens(door: Door) -> None:
    async with raw_server(reply()) as server:
        pass
    refused = await failure(door, server.url)
    port = server.url.rpartition(":")[2].rstrip("/")
    assert (refused.reason, refused.detail) == (Reason.CONNECT, f"127.0.0.1, port {port}: ECONNREFUSED")


@pytest.mark.parametrize(
    "request_",
    [
        OutgoingRequest("POST", "http://127.0.0.1:1/", {"X-Bad": "a\r\nX-Evil: 1"}),
        OutgoingRequest("POST", "http://127.0.0.1:1/", {"X-Bad": "snow☃"}),
        OutgoingRequest("POST", "http://127.0.0.1:1/", {"X Bad": "a"}),
        post("ftp://127.0.0.1:1/"),
        post("http://127.0.0.1:port/"),
        post("hook"),
    ],
)
async def test_what_cannot_be_written_as_http_is_refused_without_quoting_it(
    door: Door, request_: OutgoingRequest
) -> None:
    async with raw_server(reply()) as server:
        aimed = replace(request_, url=request_.url.replace(":1/", f":{server.port}/"))
        with pytest.raises(EgressError) as raised:
            await door.send(aimed, timeout=10)
    assert raised.value.reason is Reason.RENDER
    assert (server.requests, "Evil" in str(raised.value)) == ([], False)


# One deadline, our own limits


async def test_the_deadline_covers_a_reply_that_trickles(door: Door) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.02)

    async with raw_server(trickle) as server:
        assert (await failure(door, server.url, timeout=0.3)).reason is Reason.TIMEOUT


async def test_waiting_for_a_free_connection_is_our_own_fault(make_door: MakeDoor) -> None:
    door = make_door(max_connections=1)
    async with raw_server(hang) as server:
        first = asyncio.create_task(failure(door, server.url, timeout=0.4))
        await asyncio.sleep(0)
        assert (await failure(door, server.url, timeout=0.1)).reason is Reason.OWN_FAULT
        assert (await first).reason is Reason.TIMEOUT


async def test_those_who_wait_get_their_turn(make_door: MakeDoor) -> None:
    door = make_door(max_connections=2)
    async with raw_server(reply(b"ok")) as server:
        replies = await asyncio.gather(*(send(door, server.url) for _ in range(20)))
        assert [got.body for got in replies] == [b"ok"] * 20
        assert server.connections <= 2


async def test_running_out_of_descriptors_is_our_own_fault(door: Door) -> None:
    async with raw_server(reply()) as server:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
        try:
            failed = await failure(door, server.url)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert failed.reason is Reason.OWN_FAULT
    assert failed.detail.endswith(": EMFILE")


async def test_cancelling_the_caller_cancels_and_frees_the_place(make_door: MakeDoor) -> None:
    door = make_door(max_connections=1)
    async with raw_server(hang) as silent, raw_server(reply(b"ok")) as server:
        task = asyncio.create_task(send(door, silent.url))
        while not silent.requests:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await send(door, server.url)).body == b"ok"


async def test_cancelling_in_the_body_is_not_taken_for_a_reply(door: Door) -> None:
    said = asyncio.Event()

    async def say_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CUT_SHORT)
        said.set()

    async with raw_server(say_half) as server:
        task = asyncio.create_task(send(door, server.url))
        await said.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_secrets_stay_out_of_a_requests_repr() -> None:
    shown = repr(post("https://hooks.slack.com/services/secret", b"secret", Authorization="secret"))
    assert shown == "OutgoingRequest(method='POST')"
