"""Replicas and the clock of the server they share: whoever notices first moves all waits, and they are moved once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.responses import Response

from bridge.errors import StoreError
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.models import WatchStatus
from bridge.simulator import Simulator
from bridge.store import tables
from bridge.upkeep import DAY, Upkeep, heal_at_start
from tests.parts import Parts, Setting, allow, forbid, open_parts, sql
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended
from tests.servers import SimulatedProvider
from tests.store.rows import add_video, row
from tests.upkeep.test_time import HOUR, Jumping

# One process has a SQLite file for itself.
pytestmark = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)

SETTING = Setting(retries=(5.0, 5.0), alone=False)


@dataclass(frozen=True)
class Replica:
    """A process whose wall clock is the server's as it sees it; its own goes on steadily, unless it is frozen."""

    parts: Parts
    clock: Jumping
    upkeep: Upkeep
    bell: Bell

    async def keep_time(self) -> None:
        await self.upkeep.keep_time()

    @property
    def right(self) -> bool:
        """Whether it goes by the server's time."""
        return abs(self.parts.database.now() - self.clock.now()) < 0.001


def replica(parts: Parts) -> Replica:
    assert isinstance(parts.clock, Jumping)
    bell = Bell()
    upkeep = Upkeep(parts.database, parts.clock, Metrics(), retention=30 * DAY, bells=[bell])
    return Replica(parts, parts.clock, upkeep, bell)


Pair = tuple[Replica, Replica]


@pytest.fixture
async def pair(tmp_path: Path, provider: SimulatedProvider) -> AsyncIterator[Pair]:
    """Two replicas that have run for a while."""
    urls = {"openai": provider.base_url}
    async with (
        open_parts(tmp_path, Jumping(), urls, SETTING) as one,
        open_parts(tmp_path, Jumping(), urls, SETTING) as two,
    ):
        both = replica(one), replica(two)
        await pass_time(both, 15)
        yield both


async def pass_time(pair: Pair, seconds: float) -> None:
    """Both let so much time pass and put their clocks right; then the first one does what is due."""
    for each in dict.fromkeys(replica.clock for replica in pair):
        await each.advance(seconds)
    for one in pair:
        await one.keep_time()
    await pair[0].parts.look()
    await pair[0].parts.send()


def set_server(pair: Pair, seconds: float) -> None:
    for each in pair:
        each.clock.ahead += seconds


def moved(folder: Path) -> float:
    """By how much all waits have been moved."""
    ((seconds,),) = sql(folder, "SELECT moved FROM clock")
    return float(seconds)


async def put_off(pair: Pair, receiver: Receiver, hook: str) -> None:
    """A receiver has just asked to be left alone for ten minutes."""
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "600"}))
    await ended(pair[0].parts, callback_url=hook)
    await pass_time(pair, 1)
    assert len(receiver.received) == 1


async def waits_out(pair: Pair, receiver: Receiver) -> None:
    """It is left alone for ten minutes, and no longer."""
    await pass_time(pair, 590)
    assert len(receiver.received) == 1
    await pass_time(pair, 15)
    assert len(receiver.received) == 2


@pytest.mark.parametrize(("jump", "first"), [(HOUR, 0), (-HOUR, 1)])
async def test_a_wait_keeps_its_length_whoever_notices_first(
    tmp_path: Path, pair: Pair, receiver: Receiver, hook: str, jump: float, first: int
) -> None:
    await put_off(pair, receiver, hook)
    set_server(pair, jump)
    await pair[first].keep_time()
    await pair[1 - first].keep_time()
    assert moved(tmp_path) == jump
    assert all(each.right for each in pair)
    await waits_out(pair, receiver)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_no_watch_gives_up_early_nor_is_its_video_left_alone(
    pair: Pair, simulator: Simulator, hook: str, jump: float
) -> None:
    simulator.create("a cat [duration=100]", video_id="video_1")
    registered = await pair[0].parts.register(callback_url=hook, timeout=1800)
    await pass_time(pair, 10)
    set_server(pair, jump)
    await pair[1].keep_time()
    simulator.end("video_1")
    await pass_time(pair, 30)
    assert (await pair[0].parts.watch(registered)).status is WatchStatus.COMPLETED


async def test_two_that_notice_at_once_move_it_once(tmp_path: Path, pair: Pair, logs: list[dict[str, object]]) -> None:
    set_server(pair, HOUR)
    await asyncio.gather(*(each.keep_time() for each in pair))
    assert moved(tmp_path) == HOUR
    assert all(each.right for each in pair)
    assert [each["seconds"] for each in logs if each["event"] == "clock_jumped"] == [HOUR]


async def test_each_jump_is_followed(tmp_path: Path, pair: Pair) -> None:
    for jump, noticed_by in [(HOUR, 0), (-2 * HOUR, 1), (HOUR / 2, 0), (3.0, 1)]:
        set_server(pair, jump)
        await pair[noticed_by].keep_time()
        await pass_time(pair, 5)
    assert moved(tmp_path) == -HOUR / 2 + 3
    assert all(each.right for each in pair)


async def test_one_that_was_frozen_while_the_other_lived_moves_nothing(
    tmp_path: Path, pair: Pair, receiver: Receiver, hook: str
) -> None:
    one, frozen = pair
    await one.clock.advance(HOUR)
    await one.keep_time()
    await put_off((one, one), receiver, hook)
    frozen.clock.ahead = one.clock.now() - frozen.clock.now()
    await frozen.keep_time()
    assert moved(tmp_path) == 0
    assert frozen.right
    await waits_out(pair, receiver)


async def test_one_that_was_frozen_while_the_server_was_set_follows_both(tmp_path: Path, pair: Pair) -> None:
    one, frozen = pair
    one.clock.ahead = HOUR
    await one.keep_time()
    await one.clock.advance(600)
    await one.keep_time()
    frozen.clock.ahead = HOUR + 600
    await frozen.keep_time()
    assert moved(tmp_path) == HOUR
    assert frozen.right


async def test_who_writes_before_it_notices_writes_by_the_new_time(pair: Pair, hook: str) -> None:
    set_server(pair, HOUR)
    await pair[0].keep_time()
    registered = await pair[1].parts.register(callback_url=hook)
    assert (await pair[0].parts.watch(registered)).created_at == pytest.approx(pair[0].parts.database.now())
    assert pair[1].right


async def test_whoever_is_writing_by_the_old_time_is_waited_for(pair: Pair) -> None:
    one, two = pair
    set_server(pair, HOUR)
    async with two.parts.database.write() as tx:
        noticing = asyncio.create_task(one.keep_time())
        while not (await tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one():
            assert not noticing.done()
        due = two.parts.database.now() + 5
        video = await add_video(tx, due=due)
    await noticing
    async with one.parts.database.read() as tx:
        assert (await row(tx, tables.videos, video))["next_at"] == due + HOUR


async def test_what_was_not_committed_is_moved_later(tmp_path: Path, pair: Pair, receiver: Receiver, hook: str) -> None:
    await put_off(pair, receiver, hook)
    before = await pair[0].parts.deliveries()
    set_server(pair, HOUR)
    forbid(tmp_path, "UPDATE ON clock")
    with pytest.raises(StoreError):
        await pair[0].keep_time()
    assert await pair[0].parts.deliveries() == before
    assert not pair[0].right
    allow(tmp_path)
    await pair[0].keep_time()
    assert (moved(tmp_path), pair[0].right) == (HOUR, True)
    await waits_out(pair, receiver)


async def test_the_loops_are_woken_to_look_anew(pair: Pair) -> None:
    set_server(pair, -HOUR)
    woken = [each.bell.waiter() for each in pair]
    for each in pair:
        await each.keep_time()
    assert all(each.done() for each in woken)


async def test_a_restart_afterwards_moves_nothing_more(
    tmp_path: Path, pair: Pair, receiver: Receiver, hook: str
) -> None:
    await put_off(pair, receiver, hook)
    set_server(pair, -HOUR)
    await pair[1].keep_time()
    async with open_parts(tmp_path, pair[0].clock, NOWHERE, SETTING) as parts:
        await heal_at_start(parts.database, longest_wait=30)
        again = replica(parts)
        await again.keep_time()
        assert (moved(tmp_path), again.right) == (-HOUR, True)
        await waits_out((again, pair[1]), receiver)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_one_that_starts_before_the_others_notice_does_not_mislead_them(
    tmp_path: Path, pair: Pair, receiver: Receiver, hook: str, jump: float
) -> None:
    await put_off(pair, receiver, hook)
    set_server(pair, jump)
    clock = Jumping(pair[0].clock.now())
    async with open_parts(tmp_path, clock, NOWHERE, SETTING) as parts:
        await heal_at_start(parts.database, longest_wait=30)
        started = replica(parts)
        for each in (started, *pair, started):
            await each.keep_time()
        assert moved(tmp_path) == pytest.approx(jump, abs=10)
        assert all(each.right for each in (started, *pair))
    await waits_out(pair, receiver)
