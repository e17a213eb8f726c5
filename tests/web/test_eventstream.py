from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from starlette.types import Message

from bridge.loops import Bell
from bridge.web.changes import Changes
from bridge.web.health import Readiness
from bridge.web.limits import OpenStreams
from bridge.web.stream import Events, WatchStream
from tests.clock import ManualClock
from tests.web.fakes import ENDED, WATCH, WATCH_ID, FakeRegistry

SCOPE = {"type": "http", "method": "GET"}


async def never(*_: object) -> Message:
    await asyncio.Event().wait()
    return {}


@pytest.mark.parametrize("taken", [0, 2], ids=["from the first", "but the last"])
async def test_a_listener_that_takes_nothing_is_dropped_and_gives_its_place_back(
    registry: FakeRegistry, readiness: Readiness, clock: ManualClock, taken: int
) -> None:
    streams, cut = OpenStreams(), asyncio.Event()
    place = ExitStack()
    place.enter_context(streams.one("key"))
    sent = 0

    async def send(message: Message) -> None:
        nonlocal sent
        if message["type"] == "http.response.body":
            if sent == taken:
                await never()
            sent += 1

    async def receive() -> Message:
        await cut.wait()
        return {"type": "http.disconnect"}

    changes = Changes(registry, Bell(), clock)
    stream = WatchStream(ENDED, None, changes, readiness, place, Events(), patience=0.01)
    async with asyncio.timeout(20):
        await stream({**SCOPE, "state": {"reset": cut.set}}, receive, send)
    assert cut.is_set()
    assert streams.open("key") == 0


async def test_whoever_was_dropped_goes_on_where_they_were(
    registry: FakeRegistry, readiness: Readiness, clock: ManualClock
) -> None:
    events = Events()
    heard: list[bytes] = []

    async def send(message: Message) -> None:
        heard.append(message.get("body", b""))

    stream = WatchStream(WATCH, events.of(WATCH).id, Changes(registry, Bell(), clock), readiness, ExitStack(), events)
    task = asyncio.create_task(stream(SCOPE, never, send))
    await clock.advance(0.25)
    assert b"event:" not in b"".join(heard)
    registry.known[WATCH_ID] = WATCH._replace(metadata={"shot": "05"})
    await clock.advance(5)
    assert b"".join(heard).count(b"event: progress") == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_an_event_is_made_once_for_all_who_listen() -> None:
    events = Events(most=2)
    first = events.of(WATCH)
    assert events.of(WATCH) is first
    for number in range(2):
        events.of(WATCH._replace(metadata={"shot": str(number)}))
    assert events.of(WATCH) is not first
    assert events.of(WATCH) == first


async def test_however_many_listen_they_cost_one_read_at_a_time(
    registry: FakeRegistry, readiness: Readiness, clock: ManualClock
) -> None:
    events, bell = Events(), Bell()
    changes = Changes(registry, bell, clock)
    told = 0

    async def send(message: Message) -> None:
        nonlocal told
        told += message.get("body", b"").count(b"event: ")

    tasks = [
        asyncio.create_task(WatchStream(WATCH, None, changes, readiness, ExitStack(), events)(SCOPE, never, send))
        for _ in range(100)
    ]
    await clock.advance(0.25)
    before = len(registry.reads)
    registry.known[WATCH_ID] = WATCH._replace(metadata={"shot": "05"})
    bell.ring()
    await clock.advance(0.25)
    assert told == 200
    assert len(registry.reads) - before <= 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
