"""Bells that ring in every replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from bridge.clock import SystemClock
from bridge.loops import Bell
from bridge.store.listening import CHANNEL, Herald
from tests import postgres

NAMES = ("videos", "deliveries")


@pytest.fixture
def url() -> str:
    return postgres.emptied_url()


@asynccontextmanager
async def heralded(url: str) -> AsyncIterator[dict[str, Bell]]:
    """The bells of a replica, once it listens."""
    bells = {name: Bell() for name in NAMES}
    stop, listens = asyncio.Event(), bells["videos"].waiter()
    running = asyncio.create_task(Herald(url, bells, SystemClock()).run(stop))
    await listens  # all bells are rung when the connection stands
    yield bells
    stop.set()
    await running


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[asyncio.Queue[list[str]]]:
    """The notices on the channel that name a bell, as they come to this connection."""
    said: asyncio.Queue[list[str]] = asyncio.Queue()
    connection = await asyncpg.connect(url)

    def note(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload.split()[1:]:
            said.put_nowait(payload.split()[1:])

    await connection.add_listener(CHANNEL, note)
    yield said
    await connection.close()


async def test_what_is_rung_in_one_process_wakes_the_others(url: str) -> None:
    async with heralded(url) as here, heralded(url) as there:
        heard, other = there["videos"].waiter(), there["deliveries"].waiter()
        here["videos"].ring()
        async with asyncio.timeout(10):
            await heard
        assert not other.done()


async def test_what_is_rung_at_once_is_one_notice(url: str) -> None:
    async with overheard(url) as said, heralded(url) as here, heralded(url) as there:
        heard = there["videos"].waiter()
        for _ in range(100):
            here["videos"].ring()
            here["deliveries"].ring()
        await heard
        here["videos"].ring()
        await there["videos"].waiter()
        assert [await said.get(), await said.get()] == [["deliveries", "videos"], ["videos"]]
    assert said.empty()


async def test_who_was_woken_does_not_ring_on(url: str) -> None:
    async with overheard(url) as said, heralded(url) as here, heralded(url) as there, heralded(url) as third:
        woken = [bells["videos"].waiter() for bells in (there, third)]
        here["videos"].ring()
        await asyncio.gather(*woken)
        here["deliveries"].ring()
        await third["deliveries"].waiter()
        assert [await said.get(), await said.get()] == [["videos"], ["deliveries"]]
    assert said.empty()


async def test_a_connection_that_breaks_is_made_anew_and_said_once(url: str) -> None:
    with capture_logs() as logs:
        async with heralded(url) as bells:
            again = bells["videos"].waiter()
            ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            await postgres.execute(url, f"{ours} AND pid <> pg_backend_pid() AND query ~ 'LISTEN|pg_notify'")
            bells["deliveries"].ring()  # the next notice finds the connection broken
            async with asyncio.timeout(20):
                await again
    assert [entry["event"] for entry in logs] == ["not_listening", "listening_again"]
