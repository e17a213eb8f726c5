"""A provider that lists: few requests, and nothing is lost by what a page leaves out or gets wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.models import WatchStatus
from bridge.simulator import ListQuirk
from tests.parts import Setting
from tests.poller.asking import column
from tests.poller.sweeping import Sweeping, sweeping
from tests.receiver import Receiver

__all__ = ["sweeping"]


@pytest.fixture(autouse=True)
def kind() -> str:
    """One database will do here: what is written, and how, is tested on both."""
    return "sqlite"


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
        await swept.live(10, step=0.5)
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


@pytest.mark.parametrize("status", [401, 404, 501])
async def test_a_provider_that_does_not_list_is_asked_singly_and_again_in_an_hour(
    sweeping: Sweeping, status: int
) -> None:
    async with sweeping(list_refusal=status) as swept:
        await swept.register(5)
        await swept.live(6, step=1)
        assert swept.requests[0] == 1
        assert min(swept.simulator.retrieves.values()) >= 2
        await swept.parts.clock.advance(3600)
        await swept.live(1)
        assert swept.requests[0] == 2


@pytest.mark.parametrize("quirk", [ListQuirk.FILTERED, ListQuirk.OTHER_IDS])
async def test_nobody_is_lost_by_a_list_that_leaves_all_out(sweeping: Sweeping, quirk: ListQuirk) -> None:
    async with sweeping(list_quirk=quirk) as swept:
        await swept.register(10, "a cat [duration=3]")
        await swept.live(10, step=0.5)
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
        await swept.live(30, step=1)
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


async def test_a_page_asks_for_the_pressure_to_be_little(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        await swept.register(20)
        assert swept.parts.poller.pressure("openai").cost == 1
        await swept.live(3)
        pressure = swept.parts.poller.pressure("openai")
        assert pressure.cost < 0.3
        assert pressure.rate == Setting().rate
