from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection

import pytest

from bridge.loops import Bell
from bridge.models import Video, VideoStatus, WatchView
from bridge.web.changes import Changes, Follower
from tests.clock import ManualClock
from tests.web.fakes import ENDED, WATCH, WATCH_ID, FakeRegistry


class Following:
    """The hub under test, and a way to let time pass for it."""

    def __init__(self, registry: FakeRegistry, clock: ManualClock) -> None:
        self.bell = Bell()
        self.registry = registry
        self.clock = clock
        self.changes = Changes(registry, self.bell, clock)

    def show(self, watch: WatchView) -> None:
        self.registry.known[watch.id] = watch
        self.bell.ring()

    async def told(self, follower: Follower) -> bool:
        """Whether the follower learns of something new within a quarter of a second."""
        return await self.passing(follower.changed(0.25))

    async def passing(self, waiting: Awaitable[bool], seconds: float = 0.25) -> bool:
        task = asyncio.ensure_future(waiting)
        await self.clock.advance(seconds)
        return await task


@pytest.fixture
def following(registry: FakeRegistry, clock: ManualClock) -> Following:
    return Following(registry, clock)


def at(progress: int, watch: WatchView = WATCH) -> WatchView:
    return watch._replace(video=Video(watch.video_id, VideoStatus.IN_PROGRESS, progress=progress))


async def test_a_follower_is_told_what_changed(following: Following) -> None:
    async with following.changes.follow(WATCH) as follower:
        assert not await following.told(follower)
        following.show(at(40))
        assert await following.told(follower)
        assert follower.watch == at(40)
        assert not await following.told(follower)


async def test_a_change_in_the_moment_before_is_not_missed(following: Following) -> None:
    following.show(at(40))
    async with following.changes.follow(WATCH) as follower:
        assert await following.told(follower)


async def test_a_ring_without_a_change_tells_nothing(following: Following) -> None:
    async with following.changes.follow(WATCH) as follower:
        following.bell.ring()
        assert not await following.told(follower)


async def test_each_is_told_of_their_own_watch(following: Following) -> None:
    other = WATCH._replace(id="watch_other")
    following.show(other)
    async with following.changes.follow(WATCH) as first, following.changes.follow(other) as second:
        following.show(at(7, other))
        assert await following.told(second)
        assert not await following.told(first)


async def test_all_who_follow_share_one_read(following: Following, clock: ManualClock) -> None:
    async with following.changes.follow(WATCH), following.changes.follow(WATCH), following.changes.follow(ENDED):
        await clock.advance(1)
        before = len(following.registry.reads)
        following.show(at(40))
        await clock.settle()
        assert following.registry.reads[before:] == [{WATCH_ID}]


async def test_a_storm_of_rings_is_five_reads_a_second(following: Following, clock: ManualClock) -> None:
    async with following.changes.follow(WATCH):
        for _ in range(100):
            following.bell.ring()
            await clock.advance(0.01)
        assert len(following.registry.reads) <= 6


async def test_without_a_ring_it_is_looked_again_every_two_seconds(following: Following, clock: ManualClock) -> None:
    async with following.changes.follow(WATCH) as follower:
        await clock.advance(1)
        following.registry.known[WATCH_ID] = ENDED
        assert await following.passing(follower.changed(2), seconds=2)


async def test_nothing_is_read_while_nobody_follows(following: Following, clock: ManualClock) -> None:
    async with following.changes.follow(WATCH):
        await clock.settle()
    before = list(following.registry.reads)
    following.bell.ring()
    await clock.advance(10)
    assert following.registry.reads == before
    assert [task for task in asyncio.all_tasks() if task.get_name() == "changes"] == []


async def test_whoever_comes_after_all_have_left_is_told_again(following: Following) -> None:
    async with following.changes.follow(WATCH):
        pass
    async with following.changes.follow(WATCH) as follower:
        following.show(at(40))
        assert await following.told(follower)


class SlowReader:
    """A database that answers when it is let, with what there was when it was asked."""

    def __init__(self, watch: WatchView) -> None:
        self.watch = watch
        self.let = asyncio.Event()

    async def watches_by_id(self, watch_ids: Collection[str]) -> dict[str, WatchView]:
        found = {self.watch.id: self.watch}
        await self.let.wait()
        return found


async def test_nobody_is_told_what_is_older_than_they_know(clock: ManualClock) -> None:
    reader = SlowReader(at(30))
    changes = Changes(reader, Bell(), clock)
    async with changes.follow(at(30)):
        await clock.settle()
        reader.watch = at(40)
        async with changes.follow(at(40)) as late:
            reader.let.set()
            waiting = asyncio.ensure_future(late.changed(5))
            await clock.advance(5)
            assert not await waiting


async def test_a_database_that_is_away_is_waited_for(following: Following, clock: ManualClock) -> None:
    following.registry.away = True
    async with following.changes.follow(WATCH) as follower:
        following.show(at(40))
        assert not await following.told(follower)
        following.registry.away = False
        assert await following.passing(follower.changed(1), seconds=1)


async def test_a_fault_is_learnt_by_all_and_the_next_one_starts_anew(following: Following, clock: ManualClock) -> None:
    following.registry.broken = True
    async with following.changes.follow(WATCH) as first, following.changes.follow(WATCH) as second:
        for follower in (first, second):
            with pytest.raises(RuntimeError, match="recipe"):
                await following.told(follower)
        following.registry.broken = False
        async with following.changes.follow(WATCH) as third:
            following.show(at(40))
            assert await following.told(third)


async def test_a_watch_that_is_no_longer_there_tells_nothing(following: Following) -> None:
    async with following.changes.follow(WATCH) as follower:
        del following.registry.known[WATCH_ID]
        following.bell.ring()
        assert not await following.told(follower)
