"""Connections are kept, given back and closed, whatever becomes of the requests on them."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.egress import Door, OutgoingRequest, pool
from bridge.errors import EgressError
from bridge.models import Reason
from tests.egress.conftest import LOOPBACK, MakeDoor
from tests.egress.raw import (
    RawServer,
    Script,
    ScriptedResolver,
    hang,
    pour,
    raw_server,
    reply,
    say,
    say_and_close,
    say_and_reset,
)

OK = reply(b"ok")
IDENTIFIED = {"webhook-id": "msg_1"}
LAST = reply(b"ok", "Connection: close")


async def send(door: Door, url: str, timeout: float = 10) -> bytes:
    return (await door.send(OutgoingRequest("POST", url, body=b"{}"), timeout=timeout)).body


async def until_asked(server: RawServer, count: int) -> None:
    async with asyncio.timeout(5):
        while len(server.requests) < count:
            await asyncio.sleep(0)


async def until_closed(server: RawServer, count: int) -> None:
    async with asyncio.timeout(5):
        while server.closed < count:
            await asyncio.sleep(0)


async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client has gone."""
    await reader.read()


async def cancelled_after(steps: int, sending: Coroutine[None, None, object]) -> None:
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


async def test_an_idle_connection_is_closed_after_a_while(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_KEEPALIVE_EXPIRY", 0.05)
    async with raw_server(OK) as one, raw_server(OK) as other:
        await send(door, one.url)
        await send(door, other.url)
        await until_closed(one, 1)
        await until_closed(other, 1)


async def test_who_waits_first_is_served_first(make_door: MakeDoor) -> None:
    door = make_door(max_connections=1)
    async with raw_server(OK) as server:
        await asyncio.gather(*(send(door, f"{server.url}{number}") for number in range(20)))
    asked = [request.split(b" ")[1] for request in server.requests]
    assert asked == [b"/%d" % number for number in range(20)]


# A kept connection that is closed just when it is used again


def once(answer: bytes, then: Script) -> Script:
    """Answer the first request of all, and play ``then`` for the second; later ones are answered too."""
    requests = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await (then if requests == 2 else say(answer))(reader, writer)

    return script


async def send_twice(door: Door, url: str, method: str, headers: dict[str, str]) -> bytes:
    for _ in range(2):
        got = await door.send(OutgoingRequest(method, url, headers, b"{}"), timeout=5)
    return got.body


@pytest.mark.parametrize("then", [say_and_close(), say_and_reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("headers", [IDENTIFIED, {"Idempotency-Key": "key"}], ids=["webhook-id", "idempotency-key"])
async def test_a_request_that_bears_an_id_is_sent_again(door: Door, headers: dict[str, str], then: Script) -> None:
    async with raw_server(once(OK, then)) as server:
        assert await send_twice(door, server.url, "POST", headers) == b"ok"
    assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_one_without_is_not(door: Door, method: str) -> None:
    async with raw_server(once(OK, say_and_close())) as server:
        with pytest.raises(EgressError) as raised:
            await send_twice(door, server.url, method, {})
    assert (raised.value.reason, len(server.requests)) == (Reason.RESET, 2)


@pytest.mark.parametrize("then", [say_and_close(b"H"), say_and_close(b"HTTP/1.1 100 Continue\r\n\r\n")])
async def test_nothing_is_sent_again_once_an_answer_has_begun(door: Door, then: Script) -> None:
    async with raw_server(once(OK, then)) as server:
        with pytest.raises(EgressError):
            await send_twice(door, server.url, "POST", IDENTIFIED)
    assert len(server.requests) == 2


async def test_nothing_is_sent_again_because_it_took_too_long(door: Door) -> None:
    async with raw_server(once(OK, hang)) as server:
        await send(door, server.url)
        with pytest.raises(EgressError) as raised:
            await door.send(OutgoingRequest("POST", server.url, IDENTIFIED), timeout=0.1)
        await until_asked(server, 2)
    assert (raised.value.reason, len(server.requests)) == (Reason.TIMEOUT, 2)


async def test_it_is_sent_again_once_within_the_same_time(door: Door) -> None:
    async def close_then_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await {1: say(OK), 2: say_and_close()}.get(len(server.requests), hang)(reader, writer)

    async with raw_server(close_then_hang) as server:
        await send(door, server.url)
        with pytest.raises(EgressError) as raised:
            await door.send(OutgoingRequest("POST", server.url, IDENTIFIED), timeout=1)
    assert (raised.value.reason, len(server.requests)) == (Reason.TIMEOUT, 3)


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
    async with raw_server(listen) as server:
        with pytest.raises(EgressError):
            await send(door, server.url, timeout=0.5)
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


# Nothing is left behind


async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A reply in pieces, some rounds of the loop apart."""
    for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 100000\r\n\r\n", bytes(50_000), bytes(50_000)):
        writer.write(piece)
        for _ in range(5):
            await asyncio.sleep(0)


ANSWERS: list[Script] = [say(OK), say(LAST), slowly, pour, say_and_close(), listen]


async def take(door: Door, url: str) -> None:
    async with door.stream(OutgoingRequest("GET", url), timeout=0.05) as got:
        async for _ in got.chunks:
            await asyncio.sleep(0)


async def cancelled_at_random(door: Door, urls: list[str], dice: random.Random) -> None:
    """Many requests at once, whole and streamed, each cancelled after some rounds of the loop if it has not ended."""
    ways = (lambda url: send(door, url, timeout=0.05), lambda url: take(door, url))
    await asyncio.gather(
        *(cancelled_after(dice.randrange(80), dice.choice(ways)(dice.choice(urls))) for _ in range(60))
    )


@pytest.mark.parametrize("seed", range(4))
async def test_no_connection_and_no_task_outlives_the_door(
    ca_file: Path, server_tls: ssl.SSLContext, seed: int
) -> None:
    dice = random.Random(seed)
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(raw_server(script)) for script in ANSWERS]
        secured = await stack.enter_async_context(raw_server(OK, tls=server_tls))
        serving = asyncio.all_tasks() - before
        urls = [each.url for each in servers] + [secured.url.replace("http:", "https:")]
        door = Door(LOOPBACK, ca_file=ca_file, max_connections=dice.choice([1, 5, 100]))
        for _ in range(3):
            await cancelled_at_random(door, urls, dice)
        assert (await door.send(OutgoingRequest("GET", servers[0].url), timeout=5)).body == b"ok"
        await door.aclose()
        for server in [*servers, secured]:
            if server.connections:
                await until_closed(server, server.connections)
        assert asyncio.all_tasks() - before - serving == set()
