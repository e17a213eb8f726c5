"""Connections are kept, given back and closed, whatever becomes of the requests on them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from pathlib import Path

import pytest

from bridge.egress import Door, OutgoingRequest
from bridge.errors import EgressError
from tests.egress.conftest import LOOPBACK, MakeDoor
from tests.egress.raw import RawServer, ScriptedResolver, raw_server, reply, say_and_close

OK = reply(b"ok")
LAST = reply(b"ok", "Connection: close")


async def send(door: Door, url: str, timeout: float = 10) -> bytes:
    return (await door.send(OutgoingRequest("POST", url, body=b"{}"), timeout=timeout)).body


async def until_closed(server: RawServer, count: int) -> None:
    async with asyncio.timeout(5):
        while server.closed < count:
            await asyncio.sleep(0)


async def cancelled_after(steps: int, sending: Coroutine[None, None, bytes]) -> None:
    """Run a request for some rounds of the event loop, then cancel it."""
    task = asyncio.create_task(sending)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_connection_is_used_again(door: Door) -> None:
    async with raw_server(OK) as server:
        for _ in range(3):
            await send(door, server.url)
        assert (len(server.requests), server.connections) == (3, 1)


async def test_a_connection_goes_to_one_place_only(door: Door) -> None:
    async with raw_server(OK) as one, raw_server(OK) as other:
        for server in (one, other, one, other):
            await send(door, server.url)
        assert (one.connections, other.connections) == (1, 1)


async def test_requests_at_once_have_a_connection_each(door: Door) -> None:
    async with raw_server(OK) as server:
        await asyncio.gather(*(send(door, server.url) for _ in range(3)))
        await asyncio.gather(*(send(door, server.url) for _ in range(3)))
        assert server.connections == 3


async def test_a_connection_the_server_has_closed_is_not_used_again(door: Door) -> None:
    async with raw_server(say_and_close(OK)) as server:
        assert [await send(door, server.url) for _ in range(3)] == [b"ok"] * 3
        assert server.connections == 3


async def test_the_oldest_idle_connection_makes_room(make_door: MakeDoor) -> None:
    door = make_door(max_connections=2)
    async with raw_server(OK) as first, raw_server(OK) as second, raw_server(OK) as third:
        for server in (first, second, third):
            await send(door, server.url)
        await until_closed(first, 1)
        assert (second.closed, third.closed) == (0, 0)


async def test_closing_ends_idle_connections() -> None:
    door = Door(LOOPBACK)
    async with raw_server(OK) as server:
        await send(door, server.url)
        await door.aclose()
        await until_closed(server, 1)


async def test_a_connection_in_use_is_closed_when_it_comes_back() -> None:
    door = Door(LOOPBACK)
    answer = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer.wait()
        writer.write(OK)

    async with raw_server(wait) as server:
        sending = asyncio.create_task(send(door, server.url))
        while not server.requests:
            await asyncio.sleep(0)
        await door.aclose()
        answer.set()
        assert await sending == b"ok"
        await until_closed(server, 1)


async def test_a_deadline_that_passes_closes_the_connection(door: Door) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(listen) as server:
        with pytest.raises(EgressError):
            await send(door, server.url, timeout=0.05)
        await until_closed(server, 1)


@pytest.mark.parametrize("answer", [OK, LAST], ids=["kept connection", "new connection"])
async def test_a_request_cancelled_at_any_step_gives_its_place_back(make_door: MakeDoor, answer: bytes) -> None:
    door = make_door(max_connections=1)
    async with raw_server(answer) as server:
        for steps in range(40):
            await cancelled_after(steps, send(door, server.url))
            assert await send(door, server.url) == b"ok"


async def test_one_cancelled_while_it_waits_for_a_place_takes_none(make_door: MakeDoor) -> None:
    door = make_door(max_connections=1)
    async with raw_server(OK) as server:
        for steps in range(40):
            first = asyncio.create_task(send(door, server.url))
            await cancelled_after(steps, send(door, server.url))
            assert await first == b"ok"
        assert await send(door, server.url) == b"ok"


async def test_the_same_holds_for_tls(make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext) -> None:
    door = make_door(max_connections=1, ca_file=ca_file, resolver=ScriptedResolver(["127.0.0.1"]))
    async with raw_server(LAST, tls=server_tls) as server:
        url = f"https://hooks.test:{server.port}/"
        for steps in range(60):
            await cancelled_after(steps, send(door, url))
            assert await send(door, url) == b"ok"
