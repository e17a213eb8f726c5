"""Requests per CPU second of the process that sends them: the ways to send one that were weighed, side by side.

Each asks for a Video of 600 bytes, over and over, from a server in a process of its own; connections are kept, the
event loop is uvloop, the figure is replies divided by CPU time. The baseline is `httpx.AsyncClient` with its default
limits at the same concurrency. "The door" is the whole way a request of ours takes: values in and out, one deadline,
a bounded body. "Pools of one" are httpcore's connections, each in a pool of its own and leased to one request at a
time, which is how the door was made before: it avoids what costs most, a pool that looks at all connections whenever
anything happens to one, but not the locks, streams and parser under it. aiohttp is quick and httpx-aiohttp puts it
under httpx's interface, but it reports a refused connection, an unknown name and a hung-up server as timeouts, keeps
cookies, and resolves and connects in a way that leaves no room to dial exactly the address that was checked. So the
choice fell on a protocol of our own on httptools (which uvicorn brings along), under httpx's interface."""

from __future__ import annotations

import asyncio
import importlib
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median
from typing import Any

import httpx
import uvloop

from bridge.egress import AddressPolicy, Door, OutgoingRequest, SystemResolver
from bridge.egress.dialling import Dialler
from bridge.egress.transport import CheckedTransport
from tests.bench.figures import Row

CONCURRENCIES = (1, 32, 64, 256)
WARM_UP, WINDOW = 0.3, 0.7
BASELINE = "httpx, default limits"
HEADERS = {"authorization": "Bearer sk-0123456789abcdef", "accept": "application/json"}
VIDEO = {"id": "video_123", "object": "video", "model": "sora-2", "status": "in_progress", "progress": 40}
BODY = json.dumps(VIDEO | {"prompt": "x" * 500}).encode()

Ask = Callable[[str], Awaitable[object]]
"""Gets one URL and reads the whole reply."""


async def measure(runs: int) -> list[Row]:
    """A row for each candidate and concurrency."""
    rates: dict[tuple[int, str], list[float]] = {}
    missing: dict[str, str] = {}
    server = await asyncio.create_subprocess_exec(*_self("serve"), stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        port = (await server.stdout.readline()).decode().strip()
        for _ in range(runs):
            for name in CANDIDATES:
                found = await _measured(name, port)
                if "missing" in found:
                    missing[name] = str(found["missing"])
                    continue
                for concurrency in CONCURRENCIES:
                    rates.setdefault((concurrency, name), []).append(float(found[str(concurrency)]))
    finally:
        server.terminate()
        await server.wait()
    rows = [
        _row(concurrency, name, rates) for concurrency in CONCURRENCIES for name in CANDIDATES if name not in missing
    ]
    return rows + [Row(f"{name}: not measured, {what} is not installed", "") for name, what in missing.items()]


def _row(concurrency: int, name: str, rates: dict[tuple[int, str], list[float]]) -> Row:
    rate, baseline = median(rates[concurrency, name]), median(rates[concurrency, BASELINE])
    return Row(f"{concurrency} in flight: {name}", f"{rate:,.0f}", f"{baseline:,.0f}", f"{rate / baseline:.1f}")


def _self(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.bench.transports", *words)


async def _measured(name: str, port: str) -> dict[str, Any]:
    """What one candidate does in a process of its own: its rates by concurrency, or what it is missing."""
    client = await asyncio.create_subprocess_exec(*_self("ask", name, port), stdout=asyncio.subprocess.PIPE)
    output, _ = await client.communicate()
    assert client.returncode == 0, name
    found: dict[str, Any] = json.loads(output)
    return found


# The candidates


@asynccontextmanager
async def httpx_default() -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield lambda url: client.get(url, headers=HEADERS)


@asynccontextmanager
async def pools_of_one() -> AsyncIterator[Ask]:
    context = ssl.create_default_context()
    limits = httpx.Limits(max_connections=1)
    made: list[httpx.AsyncHTTPTransport] = []
    idle: list[httpx.AsyncHTTPTransport] = []

    async def ask(url: str) -> None:
        if not idle:
            made.append(httpx.AsyncHTTPTransport(verify=context, limits=limits))
            idle.append(made[-1])
        transport = idle.pop()
        response = await transport.handle_async_request(httpx.Request("GET", url, headers=HEADERS))
        await response.aread()
        idle.append(transport)

    yield ask
    for transport in made:
        await transport.aclose()


@asynccontextmanager
async def our_transport() -> AsyncIterator[Ask]:
    context, resolver = ssl.create_default_context(), SystemResolver()
    dialler = Dialler(AddressPolicy(anywhere=True), resolver, context)
    async with httpx.AsyncClient(transport=CheckedTransport(dialler, context, 256)) as client:
        yield lambda url: client.get(url, headers=HEADERS)
    await resolver.aclose()


@asynccontextmanager
async def the_door() -> AsyncIterator[Ask]:
    door = Door(AddressPolicy(anywhere=True), max_connections=256)
    yield lambda url: door.send(OutgoingRequest("GET", url, HEADERS), timeout=60)
    await door.aclose()


@asynccontextmanager
async def aiohttp_alone() -> AsyncIterator[Ask]:
    aiohttp = importlib.import_module("aiohttp")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(url: str) -> None:
            async with session.get(url, headers=HEADERS) as response:
                await response.read()

        yield ask


@asynccontextmanager
async def httpx_aiohttp() -> AsyncIterator[Ask]:
    library = importlib.import_module("httpx_aiohttp")
    async with library.HttpxAiohttpClient(timeout=60, limits=httpx.Limits(max_connections=256)) as client:
        yield lambda url: client.get(url, headers=HEADERS)


@asynccontextmanager
async def httpx2() -> AsyncIterator[Ask]:
    library = importlib.import_module("httpx2")
    async with library.AsyncClient(timeout=60) as client:
        yield lambda url: client.get(url, headers=HEADERS)


CANDIDATES: dict[str, Callable[[], AbstractAsyncContextManager[Ask]]] = {
    BASELINE: httpx_default,
    "pools of one": pools_of_one,
    "httpx2, default limits": httpx2,
    "httpx-aiohttp": httpx_aiohttp,
    "aiohttp": aiohttp_alone,
    "our transport under httpx": our_transport,
    "the door": the_door,
}


# The two processes


async def ask(name: str, port: str) -> dict[str, Any]:
    """Measure one candidate."""
    url = f"http://127.0.0.1:{port}/v1/videos/video_123"
    try:
        async with CANDIDATES[name]() as asking:
            return {str(number): await _rate(asking, url, number) for number in CONCURRENCIES}
    except ModuleNotFoundError as error:
        return {"missing": error.name}


async def _rate(asking: Ask, url: str, concurrency: int) -> float:
    """Replies per CPU second."""
    replies, until = 0, time.perf_counter() + WARM_UP

    async def keep_asking() -> None:
        nonlocal replies
        while time.perf_counter() < until:
            await asking(url)
            replies += 1

    await asyncio.gather(*(keep_asking() for _ in range(concurrency)))
    replies, until, began = 0, time.perf_counter() + WINDOW, time.process_time()
    await asyncio.gather(*(keep_asking() for _ in range(concurrency)))
    return replies / (time.process_time() - began)


class Server(asyncio.Protocol):
    """Answers every GET with the same Video, whatever it is for."""

    REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(self.REPLY)


async def serve() -> None:
    """Say which port, and answer until ended."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve()) if sys.argv[1] == "serve" else print(json.dumps(uvloop.run(ask(*sys.argv[2:]))))
