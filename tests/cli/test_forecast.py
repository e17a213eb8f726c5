from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.connection import Connection
from bridge.cli.forecast import Forecaster, forecasting
from bridge.cli.reporters import MessageReporter
from tests.cli.samples import WATCH_ID, at_progress, completed, make_watch
from tests.cli.stub import StubBridge, refusal
from tests.clock import AutoClock, ManualClock


class Screen:
    """Remembers what it is told."""

    foretells = True

    def __init__(self) -> None:
        self.seen: list[JsonObject] = []
        self.messages: list[str] = []
        self.ends: list[tuple[str, float | None]] = []
        self.told = asyncio.Event()

    def changed(self, watch: JsonObject) -> None:
        self.seen.append(watch)

    def expected(self, watch_id: str, end: float | None) -> None:
        self.ends.append((watch_id, end))
        self.told.set()

    def trouble(self, message: str) -> None:
        self.messages.append(message)

    def recovered(self) -> None:
        self.messages.append("recovered")


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
async def client(stub: StubBridge) -> AsyncIterator[BridgeClient]:
    async with BridgeClient(Connection(stub.url)) as client:
        yield client


async def asked(stub: StubBridge, times: int) -> int:
    """How many questions came, once it is so many."""
    async with asyncio.timeout(30):
        while len(stub.asked) < times:
            await asyncio.sleep(0.005)
    return len(stub.asked)


async def test_the_screen_hears_when_a_video_will_probably_end(
    client: BridgeClient, auto_clock: AutoClock, screen: Screen
) -> None:
    async with forecasting(client, auto_clock, screen) as reporter:
        reporter.changed(make_watch())
        await screen.told.wait()
    assert screen.ends == [(WATCH_ID, 2)]
    assert screen.seen == [make_watch()]


async def test_progress_is_asked_about_once_and_not_before_a_pause(
    stub: StubBridge, client: BridgeClient, clock: ManualClock, screen: Screen
) -> None:
    async with forecasting(client, clock, screen) as reporter:
        for watch in (make_watch(), make_watch()):
            reporter.changed(watch)
        await screen.told.wait()
        for progress in (10, 20, 20):
            reporter.changed(make_watch(**at_progress(progress)))
        await clock.advance(4.9)
        assert len(stub.asked) == 1
        await clock.advance(0.1)
        assert await asked(stub, 2) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_a_server_without_forecasts_is_asked_about_each_watch_once(
    stub: StubBridge, client: BridgeClient, auto_clock: AutoClock, screen: Screen, status: int
) -> None:
    stub.next_answers.append(refusal(status))
    async with forecasting(client, auto_clock, screen) as reporter:
        reporter.changed(make_watch())
        await asked(stub, 1)
        reporter.changed(make_watch(id="watch_2"))
        await screen.told.wait()
        reporter.changed(make_watch(**at_progress(10)))
        reporter.changed(make_watch(id="watch_2", **at_progress(10)))
        await asked(stub, 3)
    assert [WATCH_ID in one.path for one in stub.asked] == [True, False, False]


@pytest.mark.parametrize("answer", [refusal(503), refusal(429), Response("a page"), Response(status_code=302)])
async def test_trouble_costs_one_forecast(
    stub: StubBridge, client: BridgeClient, auto_clock: AutoClock, screen: Screen, answer: Response
) -> None:
    stub.next_answers.append(answer)
    async with forecasting(client, auto_clock, screen) as reporter:
        reporter.changed(make_watch())
        await asked(stub, 1)
        reporter.changed(make_watch(**at_progress(10)))
        await screen.told.wait()
    assert screen.messages == []


async def test_a_watch_that_ended_is_not_asked_about(
    stub: StubBridge, client: BridgeClient, auto_clock: AutoClock, screen: Screen
) -> None:
    async with forecasting(client, auto_clock, screen) as reporter:
        reporter.changed(make_watch(**completed()))
        reporter.changed(make_watch(id="watch_2"))
        await screen.told.wait()
    assert [one.path for one in stub.asked] == ["/v1/watches/watch_2/outlook"]


async def test_a_log_needs_no_forecasts(client: BridgeClient, auto_clock: AutoClock) -> None:
    log = MessageReporter()
    async with forecasting(client, auto_clock, log) as reporter:
        assert reporter is log


def test_messages_are_passed_on(screen: Screen, auto_clock: AutoClock) -> None:
    forecaster = Forecaster(BridgeClient(Connection("http://127.0.0.1:9")), auto_clock, screen)
    forecaster.trouble("Away.")
    forecaster.recovered()
    assert screen.messages == ["Away.", "recovered"]
