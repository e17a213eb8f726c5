from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import Message

from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.models import Video, VideoStatus, WatchStatus, WatchView
from bridge.web.api import OPERATIONS
from bridge.web.application import create_web
from bridge.web.changes import Changes
from bridge.web.errors import HANDLERS
from bridge.web.health import Readiness
from bridge.web.operations import routes
from bridge.web.requestlog import RequestLog
from bridge.web.services import Services, StaticPage
from bridge.web.stream import event_of
from tests.clock import ManualClock
from tests.servers import http_client, running_server
from tests.web.conftest import READER, asking, bearer
from tests.web.fakes import ENDED, WATCH, WATCH_ID, FakeRegistry
from tests.web.test_serving import until

PAGE = partial(StaticPage, b"", "text/plain", {})
URL = f"/v1/watches/{WATCH_ID}/stream"
AT_40 = WATCH._replace(video=Video("video_abc", VideoStatus.IN_PROGRESS, progress=40))


@dataclass
class Told:
    """One event as a client reads it."""

    id: str
    name: str
    watch: Any


class Listener:
    """A client that listens to the stream of the watch until it leaves."""

    def __init__(self, app: Starlette, clock: ManualClock, **headers: str) -> None:
        self.start: Message = {}
        self.text = ""
        self._clock = clock
        self._left = asyncio.Event()
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": "GET",
            "path": URL,
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *fields],
        }
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.text += message["body"].decode()

    async def hears(self, seconds: float = 0.25) -> list[Told]:
        """All events so far, after letting so much time pass."""
        await self._clock.advance(seconds)
        blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in self.text.split("\n\n")[:-1]]
        return [Told(one["id"], one["event"], json.loads(one["data"])) for one in blocks if "data" in one]

    async def names(self) -> list[str]:
        return [told.name for told in await self.hears()]

    async def leave(self) -> None:
        self._left.set()
        await self.task


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def app(registry: FakeRegistry, readiness: Readiness, bell: Bell, clock: ManualClock) -> Starlette:
    """The routes on the test's clock, without the documentation, which takes long to write."""
    services = Services(registry, Metrics(), readiness, Changes(registry, bell, clock), PAGE, PAGE)
    log = Middleware(RequestLog, clock=clock)
    return Starlette(routes=routes(OPERATIONS, services, guard=[]), middleware=[log], exception_handlers=HANDLERS)


@pytest.fixture
async def listener(app: Starlette, clock: ManualClock) -> AsyncIterator[Listener]:
    made = Listener(app, clock)
    yield made
    await made.leave()


@pytest.fixture
def show(registry: FakeRegistry, bell: Bell) -> Any:
    """Let the watch show something."""

    def to(watch: WatchView) -> None:
        registry.known[WATCH_ID] = watch
        bell.ring()

    return to


async def test_the_present_state_comes_at_once(listener: Listener, client: httpx.AsyncClient) -> None:
    (told,) = await listener.hears(0)
    assert told.name == "progress"
    assert told.watch == (await client.get(f"/v1/watches/{WATCH_ID}")).json()


async def test_each_change_is_told_and_the_end_is_the_last(listener: Listener, show: Any) -> None:
    await listener.hears()
    show(AT_40)
    await listener.hears()
    show(ENDED)
    told = await listener.hears()
    assert [(each.name, each.watch["status"]) for each in told] == [
        ("progress", "watching"),
        ("progress", "watching"),
        ("ended", "completed"),
    ]
    assert told[1].watch["video"]["progress"] == 40
    assert listener.task.done()


@pytest.mark.parametrize("status", [status for status in WatchStatus if status is not WatchStatus.WATCHING])
async def test_every_way_to_end_is_an_end(listener: Listener, show: Any, status: WatchStatus) -> None:
    await listener.hears()
    show(WATCH._replace(status=status))
    assert await listener.names() == ["progress", "ended"]


async def test_a_watch_that_has_ended_is_told_and_that_is_all(
    app: Starlette, registry: FakeRegistry, clock: ManualClock
) -> None:
    registry.known[WATCH_ID] = ENDED
    listener = Listener(app, clock)
    assert await listener.names() == ["ended"]
    assert listener.task.done()


async def test_whoever_comes_back_hears_nothing_until_something_changed(
    app: Starlette, clock: ManualClock, show: Any
) -> None:
    last = event_of(WATCH).id
    listener = Listener(app, clock, last_event_id=last)
    assert await listener.hears() == []
    show(AT_40)
    (told,) = await listener.hears()
    assert (told.watch["video"]["progress"], told.id != last) == (40, True)
    await listener.leave()


@pytest.mark.parametrize("last_id", ["", "nonsense", "watching-0000000000000000"])
async def test_an_id_of_anything_else_is_answered_with_the_present_state(
    app: Starlette, clock: ManualClock, last_id: str
) -> None:
    listener = Listener(app, clock, last_event_id=last_id)
    assert await listener.names() == ["progress"]
    await listener.leave()


async def test_whoever_missed_the_end_is_told_it(app: Starlette, registry: FakeRegistry, clock: ManualClock) -> None:
    registry.known[WATCH_ID] = ENDED
    assert await Listener(app, clock, last_event_id=event_of(AT_40).id).names() == ["ended"]


async def test_whoever_heard_the_end_is_asked_not_to_come_again(
    client: httpx.AsyncClient, registry: FakeRegistry
) -> None:
    registry.known[WATCH_ID] = ENDED._replace(deliveries={})
    answer = await client.get(URL, headers={"last-event-id": event_of(ENDED).id})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_silence_is_broken_every_fifteen_seconds(listener: Listener) -> None:
    await listener.hears(46)
    assert listener.text.count(": still here\n\n") == 3
    assert len(await listener.hears()) == 1


async def test_the_headers_keep_proxies_from_holding_events_back(listener: Listener) -> None:
    await listener.hears()
    headers = dict(listener.start["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-cache", b"no")
    assert b"content-length" not in headers
    assert listener.text.startswith("retry: 2000\n\n")


async def test_any_text_is_one_line_of_data(listener: Listener, show: Any) -> None:
    prompt = "one\ntwo\r\ndata: x\n\nevent: ended\u2028ü"
    await listener.hears()
    show(AT_40._replace(video=Video("video_abc", prompt=prompt)))
    assert (await listener.hears())[1].watch["video"]["prompt"] == prompt


async def test_an_unknown_watch_is_refused_before_anything_is_sent(client: httpx.AsyncClient) -> None:
    for watch_id in ("watch_unknown", "no%20id"):
        answer = await client.get(f"/v1/watches/{watch_id}/stream")
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


async def test_what_else_is_refused(
    client: httpx.AsyncClient, keyed: httpx.AsyncClient, registry: FakeRegistry
) -> None:
    assert (await client.get(f"{URL}?since=1")).json()["error"]["param"] == "since"
    assert (await keyed.get(URL)).status_code == 401
    registry.away = True
    assert (await client.get(URL)).status_code == 503


async def test_a_key_that_may_only_read_may_listen(keyed: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.known[WATCH_ID] = ENDED
    assert (await keyed.get(URL, headers=bearer(READER))).status_code == 200


async def test_head_shows_the_headers_and_waits_for_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.head(URL)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_a_server_that_stops_ends_the_stream(listener: Listener, readiness: Readiness) -> None:
    assert await listener.names() == ["progress"]
    readiness.stop()
    await listener.task
    assert await listener.names() == ["progress"]


async def test_a_fault_while_reading_ends_the_stream(
    app: Starlette, registry: FakeRegistry, clock: ManualClock
) -> None:
    listener = Listener(app, clock)
    await listener.hears()
    registry.broken = True
    await clock.advance(3)
    with pytest.raises(RuntimeError):
        await listener.task


async def test_nothing_is_left_of_a_listener_that_went(registry: FakeRegistry, readiness: Readiness) -> None:
    before = asyncio.all_tasks()
    async with running_server(create_web(registry, Metrics(), readiness)) as url:
        serving = asyncio.all_tasks()
        async with http_client() as client, client.stream("GET", f"{url}{URL}") as answer:
            assert await anext(answer.aiter_lines()) == "retry: 2000"
            await until(lambda: any(task.get_name() == "changes" for task in asyncio.all_tasks()))
        await until(lambda: asyncio.all_tasks() <= serving)
    assert asyncio.all_tasks() <= before | serving


async def test_many_listeners_are_one_read(
    app: Starlette, registry: FakeRegistry, show: Any, clock: ManualClock
) -> None:
    listeners = [Listener(app, clock) for _ in range(50)]
    await clock.advance(1)
    before = len(registry.reads)
    show(ENDED)
    await clock.settle()
    assert all(listener.task.done() for listener in listeners)
    assert registry.reads[before:] == [{WATCH_ID}]
    async with asking(app) as client:
        assert (await client.get("/healthz")).status_code == 200
