"""Our transport beside httpx's own, on the same servers: it raises the same errors and reads the same replies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.egress import AddressPolicy, SystemResolver
from bridge.egress.dialling import Dialler
from bridge.egress.transport import CheckedTransport, make_proxy, make_ssl_context
from bridge.errors import EgressError
from tests.egress.raw import Script, hang, raw_server, reply, say, say_and_close, say_and_reset

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PATIENT = httpx.Timeout(20)
SOON = httpx.Timeout(20, read=0.5)


@asynccontextmanager
async def both(
    ca_file: Path | None = None, proxy: str | None = None, most: int = 100
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client on httpx's transport and one on ours."""
    context, resolver = make_ssl_context(ca_file, None), SystemResolver()
    dialler = Dialler(AddressPolicy(anywhere=True), resolver, context, make_proxy(proxy) if proxy else None)
    ours = CheckedTransport(dialler, context, most)
    theirs = httpx.AsyncHTTPTransport(
        verify=context,
        trust_env=False,
        proxy=httpx.Proxy(proxy) if proxy else None,
        limits=httpx.Limits(max_connections=most),
    )
    async with httpx.AsyncClient(transport=theirs) as one, httpx.AsyncClient(transport=ours) as other:
        yield [one, other]
    await resolver.aclose()


async def outcome(client: httpx.AsyncClient, url: str, method: str = "POST", **options: Any) -> object:
    """What a request leads to: status and body, or the class of the error and where it struck."""
    where = "head"
    defaults: dict[str, Any] = {"timeout": PATIENT, "content": b"{}"}
    request = client.build_request(method, url, **defaults | options)
    try:
        response = await client.send(request, stream=True)
        where = "body"
        body = await response.aread()
    except httpx.HTTPError as error:
        return type(error), where
    return response.status_code, body, response.headers.get("x-a")


async def outcomes(url: str, method: str = "POST", *, ca_file: Path | None = None, **options: Any) -> list[object]:
    async with both(ca_file) as clients:
        return [await outcome(client, url, method, **options) for client in clients]


ODD_SERVERS = {
    "closes": (say_and_close(), (httpx.RemoteProtocolError, "head")),
    "resets": (say_and_reset(), (httpx.ReadError, "head")),
    "hangs": (hang, (httpx.ReadTimeout, "head")),
    "stops in the head": (say(b"HTTP/1.1 200 OK\r\nX-Slow: "), (httpx.ReadTimeout, "head")),
    "closes in the head": (say_and_close(b"HTTP/1.1 200 OK\r\nX-Cut: "), (httpx.RemoteProtocolError, "head")),
    "resets in the head": (say_and_reset(b"HTTP/1.1 200 OK\r\nX-Cut: "), (httpx.ReadError, "head")),
    "is no HTTP": (say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), (httpx.RemoteProtocolError, "head")),
    "is no HTTP and closes": (say_and_close(b"220 mail ESMTP\r\n"), (httpx.RemoteProtocolError, "head")),
    "garbage in the status": (say(b"HTTP/1.1 abc OK\r\n\r\n"), (httpx.RemoteProtocolError, "head")),
    "status 99": (say(b"HTTP/1.1 099 Odd\r\n\r\n"), (httpx.RemoteProtocolError, "head")),
    "switches protocols": (say(b"HTTP/1.1 101 Switching\r\n\r\n"), (httpx.RemoteProtocolError, "head")),
    "endless head": (say(b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 200_000), (httpx.RemoteProtocolError, "head")),
    "a header without a name": (say(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n"), (httpx.RemoteProtocolError, "head")),
    "a bad length": (say(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), (httpx.RemoteProtocolError, "head")),
    "two lengths": (
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        (httpx.RemoteProtocolError, "head"),
    ),
    "stops in the body": (say(reply(b"half", length=9)), (httpx.ReadTimeout, "body")),
    "closes in the body": (say_and_close(reply(b"half", length=9)), (httpx.RemoteProtocolError, "body")),
    "resets in the body": (say_and_reset(reply(b"half", length=9)), (httpx.ReadError, "body")),
    "closes between chunks": (say_and_close(CHUNKED + b"2\r\nok\r\n"), (httpx.RemoteProtocolError, "body")),
    "bad chunk": (say(CHUNKED + b"zz\r\nrubbish\r\n"), (httpx.RemoteProtocolError, "body")),
    "bad chunk later": (say(CHUNKED + b"2\r\nok\r\nrubbish\r\n"), (httpx.RemoteProtocolError, "body")),
    "resets after the body": (say_and_reset(reply(b"ok")), (200, b"ok", None)),
}
SOUND_SERVERS = {
    "length": (say(reply(b"ok", "X-A: b")), (200, b"ok", "b")),
    "chunks": (say(CHUNKED + b"1\r\no\r\n", b"1;x=y\r\nk\r\n0\r\nX-A: trailer\r\n\r\n"), (200, b"ok", None)),
    "until it closes": (say_and_close(b"HTTP/1.0 200 OK\r\n\r\nall ", b"of it"), (200, b"all of it", None)),
    "no content": (say(b"HTTP/1.1 204 No Content\r\n\r\n"), (204, b"", None)),
    "not modified": (say(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), (304, b"", None)),
    "continue first": (say(b"HTTP/1.1 100 Continue\r\nX-A: no\r\n\r\n" + reply(b"ok")), (200, b"ok", None)),
    "bare line feeds": (say(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), (200, b"ok", None)),
    "length and chunks": (
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        (200, b"ok", None),
    ),
    "folded header": (say(reply(b"ok", "X-A: a", " b")), (200, b"ok", "a b")),
    "no reason": (say(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), (200, b"", None)),
    "offers an upgrade": (say(reply(b"ok", "Upgrade: h2c", "Connection: Upgrade")), (200, b"ok", None)),
    "byte by byte": (say(*(bytes([byte]) for byte in reply(b"ok"))), (200, b"ok", None)),
}


@pytest.mark.parametrize(("script", "expected"), ODD_SERVERS.values(), ids=ODD_SERVERS)
async def test_errors_are_those_of_httpx(script: Script, expected: tuple[object, ...]) -> None:
    timeout = SOON if httpx.ReadTimeout in expected else PATIENT
    async with raw_server(script) as server:
        assert await outcomes(server.url, timeout=timeout) == [expected, expected]


@pytest.mark.parametrize(("script", "expected"), SOUND_SERVERS.values(), ids=SOUND_SERVERS)
async def test_replies_are_read_as_httpx_reads_them(script: Script, expected: object) -> None:
    async with raw_server(script) as server:
        assert await outcomes(server.url) == [expected, expected]


async def test_the_reply_to_head_has_no_body() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n") as server:
        assert await outcomes(server.url, "HEAD", content=None) == [(200, b"", None)] * 2


async def test_nobody_listens() -> None:
    async with raw_server(b"") as server:
        pass
    assert await outcomes(server.url) == [(httpx.ConnectError, "head")] * 2


async def test_a_name_nobody_has() -> None:
    assert await outcomes("http://nobody.invalid/") == [(httpx.ConnectError, "head")] * 2


@contextmanager
def full_listener() -> Iterator[int]:
    """The port of a listener whose queue is full: who connects waits."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


async def test_connecting_that_takes_too_long() -> None:
    with full_listener() as port:
        got = await outcomes(f"http://127.0.0.1:{port}/", timeout=httpx.Timeout(5, connect=0.2))
    assert got == [(httpx.ConnectTimeout, "head")] * 2


async def test_a_server_that_reads_nothing() -> None:
    async with raw_server(hang, unasked=True) as server:
        got = await outcomes(server.url, content=bytes(20_000_000), timeout=httpx.Timeout(5, write=0.2))
    assert got == [(httpx.WriteTimeout, "head")] * 2


async def test_no_connection_becomes_free() -> None:
    timeout = httpx.Timeout(5, pool=0.2)
    async with raw_server(hang) as server, both(most=1) as clients:
        for number, client in enumerate(clients, 1):
            first = asyncio.create_task(outcome(client, server.url))
            while len(server.requests) < number:
                await asyncio.sleep(0)
            assert await outcome(client, server.url, timeout=timeout) == (httpx.PoolTimeout, "head")
            first.cancel()


@pytest.mark.parametrize(
    ("url", "options", "kind"),
    [
        ("ftp://127.0.0.1:1/", {}, httpx.UnsupportedProtocol),
        ("/hook", {}, httpx.UnsupportedProtocol),
        ("http://127.0.0.1:1/", {"headers": {"X Bad": "a"}}, httpx.LocalProtocolError),
        ("http://127.0.0.1:1/", {"headers": {"X-Bad": "a\r\nX-Evil: 1"}}, httpx.LocalProtocolError),
        ("http://127.0.0.1:1/", {"headers": {"X-Bad": " a"}}, httpx.LocalProtocolError),
        ("http://127.0.0.1:1/", {"headers": {"X-Bad": "a\0"}}, httpx.LocalProtocolError),
    ],
)
async def test_what_is_no_http_is_not_sent(url: str, options: dict[str, Any], kind: type[Exception]) -> None:
    async with raw_server(reply()) as server:
        got = await outcomes(url.replace(":1/", f":{server.port}/"), **options)
    assert got == [(kind, "head")] * 2
    assert server.requests == []


@pytest.mark.parametrize("script", [say_and_close(), say_and_reset(), say(reply(status="400 Bad Request"))])
async def test_a_server_without_tls(script: Script) -> None:
    async with raw_server(script, unasked=True) as server:
        got = await outcomes(server.url.replace("http:", "https:"))
    assert got == [(httpx.ConnectError, "head")] * 2


async def test_tls_that_hangs() -> None:
    async with raw_server(hang) as server:
        timeout = httpx.Timeout(5, connect=0.2)
        got = await outcomes(server.url.replace("http:", "https:"), timeout=timeout)
    assert got == [(httpx.ConnectTimeout, "head")] * 2


async def test_certificates(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    async with raw_server(reply(b"ok"), tls=server_tls) as server:
        url = server.url.replace("http:", "https:")
        assert await outcomes(url, ca_file=ca_file) == [(200, b"ok", None)] * 2
        assert await outcomes(url) == [(httpx.ConnectError, "head")] * 2
        assert (
            await outcomes(url.replace("127.0.0.1", "localhost"), ca_file=ca_file) == [(httpx.ConnectError, "head")] * 2
        )


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (say(reply(status="403 Forbidden")), httpx.ProxyError),
        (say_and_close(), httpx.RemoteProtocolError),
        (say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), httpx.RemoteProtocolError),
    ],
)
async def test_a_proxy_that_gives_no_tunnel(script: Script, kind: type[Exception]) -> None:
    async with raw_server(script) as proxy, both(proxy=proxy.url) as clients:
        got = [await outcome(client, "https://hooks.test/") for client in clients]
    assert got == [(kind, "head")] * 2


# Where we differ on purpose


async def pieces() -> AsyncGenerator[bytes, None]:
    yield b"piece"


async def test_a_body_whose_length_is_unknown_is_not_sent() -> None:
    async with raw_server(reply()) as server, both() as (_, ours), aclosing(pieces()) as body:
        assert await outcome(ours, server.url, content=body) == (httpx.LocalProtocolError, "head")


async def test_a_wrong_length_is_an_error_of_httpx_with_us() -> None:
    async with raw_server(reply()) as server, both() as (_, ours):
        wrong = await outcome(ours, server.url, headers={"Content-Length": "1"})  # httpx lets h11's own error through
    assert (wrong, server.requests) == ((httpx.LocalProtocolError, "head"), [])


async def test_every_error_brings_along_what_is_known_of_it() -> None:
    async with raw_server(say_and_reset()) as server, both() as (_, ours):
        with pytest.raises(httpx.ReadError) as raised:
            await ours.get(server.url)
    assert isinstance(raised.value.__cause__, EgressError)
