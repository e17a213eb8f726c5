"""A provider that lists: one page observes many videos, and nothing is lost by what a page leaves out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bridge.metrics import Metrics
from bridge.models import WatchStatus
from bridge.poller import Sweeper
from bridge.registry import Registration
from bridge.simulator import ListQuirk, Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts, settle
from tests.poller.asking import column
from tests.receiver import Receiver
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


async def test_one_page_observes_all_that_are_on_it(sweeping: Sweeping, tmp_path: Path) -> None:
    async with sweeping() as swept:
        await swept.register(12)
        await swept.live(0)
        assert swept.requests == (1, 0)
    assert column(tmp_path, "last_look", "videos") == ["observed"] * 12
    assert column(tmp_path, "looks", "videos") == [1] * 12


async def test_a_few_videos_are_looked_at_singly(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        await swept.register(3)
        await swept.live(0)
        assert swept.requests == (0, 3)


async def test_all_pages_are_read_at_first(sweeping: Sweeping, tmp_path: Path) -> None:
    async with sweeping() as swept:
        await swept.register(110)
        await swept.live(0)
        assert swept.requests == (2, 0)
    assert set(column(tmp_path, "last_look", "videos")) == {"observed"}


async def test_a_fleet_is_seen_every_second_with_few_requests(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        await swept.convince()
        await swept.register(30)
        await swept.live(10)
        pages, looks = swept.requests
        assert looks <= 2  # one every ten seconds, to see whether the list is behind
        assert 4 <= pages <= 11


async def test_an_end_is_confirmed_by_one_look_until_three_have_matched(
    sweeping: Sweeping, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    async with sweeping(duration=0.0) as swept:
        await swept.register(5, "a cat", hook)
        await swept.live(0)
        assert swept.requests == (1, 5)
        await swept.parts.clock.advance(1)
        for each in range(5, 10):
            swept.simulator.create("a cat", video_id=f"video_{each}")
            await swept.parts.register(f"video_{each}", callback_url=hook)
        await swept.live(0)
        assert swept.requests == (2, 5)
    assert column(tmp_path, "status") == ["completed"] * 10


async def test_everyone_is_told_once(sweeping: Sweeping, receiver: Receiver, hook: str) -> None:
    async with sweeping() as swept:
        await swept.register(8, "a cat", hook)
        await swept.live(14)
        await swept.parts.send()
    assert len({call.json["data"]["id"] for call in receiver.received}) == len(receiver.received) == 8


@pytest.mark.parametrize("status", [401, 404, 501])
async def test_a_provider_that_does_not_list_is_asked_singly_and_again_in_an_hour(
    sweeping: Sweeping, status: int
) -> None:
    async with sweeping(list_refusal=status) as swept:
        await swept.register(5)
        await swept.live(6)
        assert swept.requests[0] == 1
        assert min(swept.simulator.retrieves.values()) >= 2
        await swept.parts.clock.advance(3600)
        await swept.live(1)
        assert swept.requests[0] == 2


@pytest.mark.parametrize("quirk", [ListQuirk.FILTERED, ListQuirk.OTHER_IDS])
async def test_nobody_is_lost_by_a_list_that_leaves_all_out(sweeping: Sweeping, quirk: ListQuirk) -> None:
    async with sweeping(list_quirk=quirk) as swept:
        await swept.register(10, "a cat [duration=3]")
        await swept.live(10)
        assert await swept.statuses() == {WatchStatus.COMPLETED}
        assert swept.requests[0] <= 10


@pytest.mark.parametrize("quirk", [ListQuirk.NO_CURSORS, ListQuirk.ONE_PAGE])
async def test_everyone_is_seen_where_pages_are_turned_otherwise_or_not_at_all(
    sweeping: Sweeping, quirk: ListQuirk, tmp_path: Path
) -> None:
    async with sweeping(list_quirk=quirk) as swept:
        await swept.register(104)
        await swept.live(2)
    assert set(column(tmp_path, "last_look", "videos")) == {"observed"}


async def test_a_list_that_lies_ends_nothing(sweeping: Sweeping) -> None:
    async with sweeping(list_quirk=ListQuirk.LYING) as swept:
        await swept.register(5)
        await swept.live(5)
        assert await swept.statuses() == {WatchStatus.WATCHING}


async def test_a_list_that_falls_behind_is_believed_no_more(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        await swept.convince()
        swept.simulator.settings = replace(swept.simulator.settings, list_quirk=ListQuirk.STALE)
        await swept.register(5, "a cat [duration=3]")
        await swept.live(100, step=1)
        assert await swept.statuses() == {WatchStatus.COMPLETED}


async def test_a_list_that_is_behind_takes_nothing_back(sweeping: Sweeping) -> None:
    async with sweeping(list_quirk=ListQuirk.STALE) as swept:
        await swept.register(5, "a cat [duration=3]")
        await swept.live(30)
        assert await swept.statuses() == {WatchStatus.COMPLETED}


async def test_trouble_with_the_list_holds_nobody_up(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        swept.simulator.fault_next(500)
        await swept.register(10)
        await swept.live(3)
        assert min(swept.simulator.retrieves.values()) >= 1


async def test_a_429_to_the_list_slows_the_whole_provider(sweeping: Sweeping) -> None:
    async with sweeping(retry_after=30.0) as swept:
        swept.simulator.fault_next(429)
        await swept.register(5)
        await swept.live(0)
        await swept.parts.clock.advance(29)
        await swept.live(0)
        assert swept.requests == (1, 0)
        await swept.parts.clock.advance(1)
        await swept.live(0)
        assert swept.requests == (2, 0)


async def test_two_replicas_do_not_read_one_list(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        other = await sweeper_of(swept.parts)
        await swept.register(12)
        await settle(swept.sweeper)
        await swept.parts.clock.advance(2)
        await settle(other)
        assert swept.requests == (1, 0)


async def test_the_next_process_remembers_what_was_learned(
    sweeping: Sweeping, tmp_path: Path, clock: ManualClock
) -> None:
    async with sweeping(list_refusal=404) as swept:
        await swept.register(12)
        await swept.live(0)
        again = await sweeper_of(swept.parts)
        await clock.advance(5)
        await settle(again)
        assert swept.requests[0] == 1


async def test_a_page_asks_for_the_pressure_to_be_little(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        await swept.register(20)
        assert swept.parts.poller.pressure("openai").cost == 1
        await swept.live(3)
        pressure = swept.parts.poller.pressure("openai")
        assert pressure.cost < 0.3
        assert pressure.rate == Setting().rate
