"""Receivers that do everything wrong: each delivery ends as it should, good ones are told meanwhile, memory stays."""

from __future__ import annotations

import asyncio
import gzip
import signal
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.process import BridgeProcess
from tests.ports import free_port
from tests.receiver import Receiver
from tests.servers import running_server, running_simulator

pytestmark = pytest.mark.system

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]

TEN_GIGABYTES = 10 * 1024**3
MEGABYTE = bytes(2**20)
BOMB = gzip.compress(bytes(64 * 2**20))
_OK = b"HTTP/1.1 200 OK\r\n"


def cut(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def slow_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK)
    for number in range(10_000):
        writer.write(b"x-%d: y\r\n" % number)
        await asyncio.sleep(0.05)


async def slow_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK + b"content-length: 10000\r\n\r\n")
    for _ in range(10_000):
        writer.write(b".")
        await asyncio.sleep(0.05)


async def endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"100000\r\n" + MEGABYTE + b"\r\n")
        await writer.drain()


async def ten_gigabytes(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK + b"content-length: %d\r\n\r\n" % TEN_GIGABYTES)
    for _ in range(TEN_GIGABYTES // len(MEGABYTE)):
        writer.write(MEGABYTE)
        await writer.drain()


async def gzip_bomb(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB)
    await writer.drain()


async def reset_before(writer: asyncio.StreamWriter) -> None:
    cut(writer)


async def reset_in_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\nhalf of it")
    await writer.drain()
    await asyncio.sleep(0.05)
    cut(writer)


async def reset_after_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK + b"content-length: 2\r\n\r\nok")
    await writer.drain()
    await asyncio.sleep(0.05)
    cut(writer)


async def redirect_loop(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nlocation: /redirect_loop\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    await writer.drain()


async def bad_chunking(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nnot a chunk\r\n")
    await writer.drain()


async def flood_of_1xx(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100)
        await writer.drain()


async def not_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


BEHAVIOURS: dict[Behaviour, tuple[str, set[str | None]]] = {
    slow_headers: ("failed", {"timeout", "bad_reply", "too_large"}),
    slow_body: ("delivered", {None}),  # a callback is answered by its status
    endless_body: ("delivered", {None}),
    ten_gigabytes: ("delivered", {None}),
    gzip_bomb: ("delivered", {None}),
    reset_before: ("failed", {"reset"}),
    reset_in_body: ("failed", {"server_error"}),
    reset_after_body: ("delivered", {None}),
    redirect_loop: ("failed", {"redirect"}),
    bad_chunking: ("failed", {"server_error"}),
    flood_of_1xx: ("failed", {"timeout", "bad_reply", "too_large"}),
    not_http: ("failed", {"bad_reply"}),
}


@asynccontextmanager
async def misbehaving() -> AsyncIterator[dict[str, str]]:
    """A server for each way to misbehave; their URLs by its name.

    Each is a host of its own: a connection that one of them leaves open and then cuts must not be another's fault.
    """
    open_writers: set[asyncio.StreamWriter] = set()

    def serving(way: Behaviour) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_writers.add(writer)
            with suppress(OSError, asyncio.CancelledError):
                if (await reader.read(65_536)).startswith(b"POST"):
                    await way(writer)
                else:  # it tries to speak TLS
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    await writer.drain()
            writer.close()

        return serve

    async with AsyncExitStack() as stack:
        urls = {}
        for number, way in enumerate(BEHAVIOURS, start=2):
            server = await asyncio.start_server(serving(way), f"127.0.0.{number}", 0)
            stack.callback(server.close)
            host, port = server.sockets[0].getsockname()
            urls[way.__name__] = f"http://{host}:{port}/{way.__name__}"
        yield urls
    for writer in open_writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def ended(client: httpx.AsyncClient, number: int) -> list[dict[str, Any]]:
    """The deliveries, once none is pending."""
    async with asyncio.timeout(90):
        while True:
            found = (await client.get("/v1/deliveries?limit=100")).json()["data"]
            if len(found) == number and all(each["status"] != "pending" for each in found):
                return list(found)
            await asyncio.sleep(0.2)


@pytest.mark.timeout(150)
async def test_each_ends_as_it_should_and_costs_little_memory(tmp_path: Path) -> None:
    receiver = Receiver()
    async with (
        running_simulator() as provider,
        running_server(receiver.app) as good,
        misbehaving() as bad,
    ):
        environ = {
            "OPENAI_BASE_URL": provider.base_url,
            "BRIDGE_DELIVERY_RETRIES": "0.2",
            "BRIDGE_DELIVERY_TIMEOUT": "6",  # they are receivers in this process, which a busy machine may hold up, too
            "BRIDGE_POLL_MIN_INTERVAL": "0.1",
        }
        bridge = BridgeProcess(tmp_path, free_port(), environ)
        await bridge.start()
        async with httpx.AsyncClient(base_url=bridge.url, trust_env=False, timeout=30) as client:
            urls = bad | {"tls": bad["not_http"].replace("http:", "https:").replace("/not_http", "/tls")}
            provider.simulator.create("v [duration=0]", video_id="warm")
            await client.post("/v1/watches", json={"video_id": "warm", "callback_url": f"{good}/warm"})
            await receiver.wait_for(1)
            before = psutil.Process(bridge.pid).memory_info().rss
            for name, url in urls.items():
                provider.simulator.create("v [duration=0]", video_id=name)
                for number in range(3):
                    body = {"video_id": name, "callback_url": url, "key": f"{name}{number}"}
                    assert (await client.post("/v1/watches", json=body)).status_code == 201
            provider.simulator.create("v [duration=0]", video_id="good")
            await client.post("/v1/watches", json={"video_id": "good", "callback_url": f"{good}/hook"})
            await receiver.wait_for(2)
            found = await ended(client, 3 * len(urls) + 2)
            grown = psutil.Process(bridge.pid).memory_info().rss - before
        assert await bridge.end(signal.SIGTERM) == 0
    came = {(each["destination"]["url"].rsplit("/", 1)[-1], each["status"], each["reason"]) for each in found}
    for way, (status, reasons) in BEHAVIOURS.items():
        its = {(each[1], each[2]) for each in came if each[0] == way.__name__}
        assert {each[0] for each in its} == {status}, way
        assert {each[1] for each in its} <= reasons, way
    assert "tls" in {each[2] for each in came}
    assert grown < 20 * 2**20
