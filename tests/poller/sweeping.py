"""A process whose provider's list is read, driven by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.metrics import Metrics
from bridge.models import WatchStatus
from bridge.poller import Sweeper
from bridge.registry import Registration
from bridge.simulator import Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.parts import Parts, open_parts, settle
from tests.servers import running_simulator


@dataclass
class Swept:
    """A process whose provider's list is read."""

    parts: Parts
    sweeper: Sweeper
    simulator: Simulator

    @property
    def requests(self) -> tuple[int, int]:
        """How many pages, and how many single looks were asked for."""
        return self.simulator.lists, self.simulator.retrieves.total()

    async def register(self, number: int, prompt: str = "a cat [stuck]", hook: str = "https://example.com/") -> None:
        for each in range(number):
            self.simulator.create(prompt, video_id=f"video_{each}")
        names = [f"video_{each}" for each in range(number)]
        bodies = [Registration(video_id=name, callback_url=hook) for name in names]
        await self.parts.registry.register_many(bodies, created_by=None)

    async def convince(self) -> None:
        """Let the list be believed: five rows that end a job match single looks."""
        for each in range(5):
            self.simulator.create("a cat [duration=0]", video_id=f"ended_{each}")
            await self.parts.register(f"ended_{each}", callback_url="https://example.com/")
        await self.live(0)
        self.simulator.retrieves.clear()
        self.simulator.lists = 0
        await self.parts.clock.advance(1)

    async def live(self, seconds: float, step: float = 0.25) -> None:
        """Let so much time pass, all loops doing what is due after every step."""
        for number in range(int(seconds / step) + 1):
            if number:
                await self.parts.clock.advance(step)
            await settle(self.sweeper)
            await self.parts.look()
            await settle(self.sweeper)

    async def statuses(self) -> set[WatchStatus]:
        """The statuses of all watches."""
        return {status for status, number in (await self.parts.registry.counts()).watches.items() if number}


Sweeping = Callable[..., AbstractAsyncContextManager[Swept]]


@pytest.fixture
def sweeping(tmp_path: Path, clock: ManualClock) -> Sweeping:
    """Opens a process with a simulator of these settings."""

    @asynccontextmanager
    async def open_swept(**settings: object) -> AsyncIterator[Swept]:
        simulated = SimulatorSettings(**{"duration": 10.0, **settings})  # type: ignore[arg-type]
        async with (
            running_simulator(simulated, clock) as provider,
            open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts,
        ):
            sweeper = await sweeper_of(parts)
            yield Swept(parts, sweeper, provider.simulator)

    return open_swept


async def sweeper_of(parts: Parts) -> Sweeper:
    lanes = parts.poller.lanes
    sweeper = Sweeper(
        parts.database,
        lanes,
        clock=parts.clock,
        bell=parts.bells.videos,
        pace=parts.poller.pace,
        metrics=Metrics(lanes),
        announce=parts.poller.announce,
    )
    parts.poller.sweeps = sweeper
    await sweeper.open()
    return sweeper
