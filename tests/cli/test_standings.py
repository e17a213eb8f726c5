from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from bridge.cli.client import BridgeClient
from bridge.cli.connection import Connection
from bridge.cli.standings import minding_providers
from tests.cli.samples import make_provider
from tests.cli.stub import StubBridge, refusal
from tests.clock import AutoClock

REFUSED = make_provider(state="paused", since=1, reason="the provider refuses our key (401)")
ELSEWHERE = make_provider(name="azure", reason="the provider has given no usable answer")


class Notes:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.news = asyncio.Event()

    def amiss(self, notes: Sequence[str]) -> None:
        self.told.append(list(notes))
        self.news.set()

    async def next(self) -> list[str]:
        async with asyncio.timeout(10):
            await self.news.wait()
        self.news.clear()
        return self.told[-1]


@pytest.fixture
async def client(stub: StubBridge) -> AsyncIterator[BridgeClient]:
    async with BridgeClient(Connection(stub.url)) as client:
        yield client


async def test_trouble_with_a_provider_of_these_watches_is_told_and_its_end(
    stub: StubBridge, client: BridgeClient, auto_clock: AutoClock
) -> None:
    notes = Notes()
    stub.stored.providers[:] = [REFUSED, ELSEWHERE]
    async with minding_providers(client, auto_clock, notes, {"openai"}):
        assert await notes.next() == ["openai: the provider refuses our key (401)"]
        stub.stored.providers[:] = [make_provider(), ELSEWHERE]
        assert await notes.next() == []
    assert len(notes.told) == 2


async def test_a_server_that_is_away_for_a_moment_is_asked_again(
    stub: StubBridge, client: BridgeClient, auto_clock: AutoClock
) -> None:
    notes = Notes()
    stub.stored.providers[:] = [REFUSED]
    stub.next_answers.append(refusal(503))
    async with minding_providers(client, auto_clock, notes, {"openai"}):
        assert await notes.next() == ["openai: the provider refuses our key (401)"]


async def test_a_server_that_does_not_tell_is_asked_once(
    stub: StubBridge, client: BridgeClient, auto_clock: AutoClock
) -> None:
    stub.stored.providers[:] = [REFUSED]
    stub.next_answers.append(refusal(404))
    notes = Notes()
    async with minding_providers(client, auto_clock, notes, {"openai"}):
        async with asyncio.timeout(10):
            while not stub.asked:
                await asyncio.sleep(0.005)
        for _ in range(3):  # it would ask again as soon as these are answered
            await client.providers()
    assert (len(stub.asked), notes.told) == (4, [])
