"""A running simulator on a clock the test moves, and two clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from openai import AsyncOpenAI

from bridge.simulator import Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.servers import SimulatedProvider, running_simulator


@pytest.fixture
async def provider(clock: ManualClock) -> AsyncIterator[SimulatedProvider]:
    """A provider whose videos take exactly ten seconds, the first one queued."""
    async with running_simulator(SimulatorSettings(duration=10), clock) as running:
        yield running


@pytest.fixture
def simulator(provider: SimulatedProvider) -> Simulator:
    return provider.simulator


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the environment, which the SDK would take and which does not lead to this machine."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
async def sdk(direct: None, provider: SimulatedProvider) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=provider.base_url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
async def http(provider: SimulatedProvider) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=provider.base_url, trust_env=False) as client:
        yield client
