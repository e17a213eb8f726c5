from __future__ import annotations

import asyncio
from functools import partial

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from bridge.clock import SystemClock
from bridge.errors import NotFoundError, StoreUnavailableError
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.models import WatchView
from bridge.web.changes import Changes
from bridge.web.health import Readiness
from bridge.web.services import Services, StaticPage
from bridge.web.waiting import wait_for_end
from tests.web.fakes import ENDED, WATCH, WATCH_ID, FakeRegistry

PAGE = partial(StaticPage, b"", "text/plain", {})


class Client:
    """The other end of a connection: sends a body nobody wants, then stays until it leaves."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self._sent = False

    async def receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": b"unasked", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def services(registry: FakeRegistry, readiness: Readiness) -> Services:
    changes = Changes(registry, Bell(), SystemClock())
    return Services(registry, Metrics(), readiness, changes, PAGE, PAGE)


def begin(services: Services, client: Client, watch_id: str = WATCH_ID, seconds: float = 60) -> asyncio.Task[WatchView]:
    request = Request({"type": "http", "headers": []}, client.receive)
    return asyncio.create_task(wait_for_end(services, request, watch_id, seconds))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_end_of_the_watch_ends_the_wait(services: Services, registry: FakeRegistry) -> None:
    waiting = begin(services, Client())
    await settle()
    registry.known[WATCH_ID] = ENDED
    registry.changed.set()
    assert await waiting == ENDED


async def test_time_ends_the_wait(services: Services) -> None:
    assert await begin(services, Client(), seconds=0.01) == WATCH


async def test_a_client_that_leaves_ends_the_wait(services: Services, registry: FakeRegistry) -> None:
    client = Client()
    waiting = begin(services, client)
    await settle()
    client.left.set()
    with pytest.raises(ClientDisconnect):
        await waiting
    assert registry.waiting == 0


async def test_a_server_that_stops_answers_with_what_there_is(
    services: Services, registry: FakeRegistry, readiness: Readiness
) -> None:
    waiting = begin(services, Client())
    await settle()
    registry.known[WATCH_ID] = WATCH._replace(provider="seen at the end")
    readiness.stop()
    assert (await waiting).provider == "seen at the end"


async def test_an_error_of_the_registry_ends_the_wait(services: Services, registry: FakeRegistry) -> None:
    with pytest.raises(NotFoundError):
        await begin(services, Client(), "watch_unknown")
    registry.away = True
    with pytest.raises(StoreUnavailableError):
        await begin(services, Client())


async def test_no_task_outlives_the_wait(services: Services, registry: FakeRegistry) -> None:
    before = asyncio.all_tasks()
    waiting = begin(services, Client())
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == before
    assert registry.waiting == 0
