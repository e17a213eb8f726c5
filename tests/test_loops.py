"""The loop both loops are: drains, waits, wakes, survives, and ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from bridge.loops import AWAY_SECONDS, IDLE_SECONDS, PORTION, SHORTEST_PAUSE, Bell
from tests.clock import ManualClock
from tests.letters import Letters, running


@pytest.fixture
def letters(clock: ManualClock) -> Letters:
    return Letters(clock)


# Working.


async def test_everything_that_is_due_is_done_however_little_room_there_is(
    letters: Letters, clock: ManualClock
) -> None:
    letters.put(*"abcdefgh")
    async with running(letters, clock):
        await clock.settle()
        assert sorted(letters.done()) == list("ABCDEFGH")


async def test_never_is_more_under_way_than_there_is_room_for(letters: Letters, clock: ManualClock) -> None:
    gates = [letters.hold_up(letter) for letter in "abcd"]
    async with running(letters, clock):
        assert list(letters.in_flight) == ["a", "b", "c"]
        gates[1].set()
        await clock.settle()
        assert list(letters.in_flight) == ["a", "c", "d"]
        for gate in gates:
            gate.set()


async def test_results_that_are_there_together_are_recorded_together(letters: Letters, clock: ManualClock) -> None:
    gates = [letters.hold_up(letter) for letter in "ab"]
    async with running(letters, clock):
        for gate in gates:
            gate.set()
        await clock.settle()
        assert [sorted(turn) for turn in letters.recorded] == [["A", "B"]]


async def test_while_people_wait_to_write_results_are_recorded_in_portions(clock: ManualClock) -> None:
    letters = Letters(clock, room=3 * PORTION)
    letters.pressed = lambda: True
    letters.put(*(f"{number:02}" for number in range(2 * PORTION + 1)))
    async with running(letters, clock):
        for _ in range(PORTION):  # a few are begun at a time
            await clock.settle()
        assert len(letters.done()) == 2 * (2 * PORTION + 1)
        assert max(len(turn) for turn in letters.recorded) == PORTION


async def test_of_several_portions_those_that_cannot_be_written_now_are_kept(clock: ManualClock) -> None:
    class Fragile(Letters):
        async def record(self, results: Sequence[str]) -> None:
            await super().record(results)
            self.away = len(self.recorded) == 1

    letters = Fragile(clock, room=3 * PORTION)
    letters.pressed = lambda: True
    written = [f"{number:02}" for number in range(2 * PORTION)]
    letters.put(*written)
    with capture_logs():
        async with running(letters, clock):
            for _ in range(PORTION):  # a few are begun at a time
                await clock.settle()
            assert [len(turn) for turn in letters.recorded] == [PORTION]
            letters.away = False
            await clock.advance(AWAY_SECONDS)
            assert sorted(each for turn in letters.recorded for each in turn) == written


async def test_a_slow_item_holds_up_no_other(letters: Letters, clock: ManualClock) -> None:
    gate = letters.hold_up("a")
    letters.put("b", "c")
    async with running(letters, clock):
        assert sorted(letters.done()) == ["B", "C"]
        gate.set()
        await clock.settle()
        assert letters.done()[-1] == "A"


# Waiting.


async def test_what_is_due_later_is_done_then_and_not_before(letters: Letters, clock: ManualClock) -> None:
    letters.put("a", due=clock.now() + 3)
    async with running(letters, clock):
        await clock.advance(2.9)
        assert letters.done() == ""
        await clock.advance(0.1)
        assert letters.done() == "A"


async def test_what_others_put_there_is_found_without_a_bell(letters: Letters, clock: ManualClock) -> None:
    async with running(letters, clock):
        letters.put("a")
        await clock.advance(IDLE_SECONDS - 0.1)
        assert letters.done() == ""
        await clock.advance(0.1)
        assert letters.done() == "A"


async def test_the_bell_wakes_it_at_once(letters: Letters, clock: ManualClock) -> None:
    async with running(letters, clock):
        letters.put("a")
        letters.bell.ring()
        await clock.settle()
        assert letters.done() == "A"


async def test_no_ring_is_missed_that_comes_while_it_looks_at_the_table(clock: ManualClock) -> None:
    class RungWhileLooking(Letters):
        async def next_due(self) -> float | None:
            due = await super().next_due()
            if self.turns == 1:
                self.put("a")
                self.bell.ring()
            return due

    letters = RungWhileLooking(clock)
    async with running(letters, clock):
        assert letters.done() == "A"


async def test_with_nothing_to_do_it_turns_once_and_waits(letters: Letters, clock: ManualClock) -> None:
    async with running(letters, clock):
        assert letters.turns == 1
        await clock.advance(3 * IDLE_SECONDS)
        assert letters.turns == 4


async def test_work_that_is_due_without_room_for_it_makes_no_busy_loop(letters: Letters, clock: ManualClock) -> None:
    gates = [letters.hold_up(letter) for letter in "abc"]
    letters.put("d")
    async with running(letters, clock):
        before = letters.turns
        for _ in range(10):
            await clock.settle()
        assert letters.turns == before
        await clock.advance(3 * SHORTEST_PAUSE)
        assert letters.turns <= before + 4
        assert list(letters.due) == ["d"]
        for gate in gates:
            gate.set()


async def test_a_pause_is_the_time_to_the_next_due_item_within_bounds(letters: Letters, clock: ManualClock) -> None:
    assert await letters.tick() == IDLE_SECONDS
    letters.put("a", due=clock.now() + 2)
    assert await letters.tick() == 2
    letters.due["a"] = clock.now() + 1e6
    assert await letters.tick() == IDLE_SECONDS
    letters.due["a"] = clock.now()
    assert await letters.tick() == 0
    await letters.run(_already())


def _already() -> asyncio.Event:
    stop = asyncio.Event()
    stop.set()
    return stop


# Faults.


async def test_work_that_fails_stops_no_other_and_is_logged(letters: Letters, clock: ManualClock) -> None:
    letters.unworkable.add("b")
    letters.put(*"abc")
    with capture_logs() as logs:
        async with running(letters, clock):
            assert sorted(letters.done()) == ["A", "C"]
    assert [(line["event"], line["item"], line["log_level"]) for line in logs] == [("work_failed", "'b'", "error")]


async def test_work_that_was_broken_off_from_within_stops_no_other(clock: ManualClock) -> None:
    class BreaksOff(Letters):
        async def work(self, item: str) -> str:
            if item == "b":
                raise asyncio.CancelledError
            return await super().work(item)

    letters = BreaksOff(clock)
    letters.put(*"abc")
    async with running(letters, clock):
        assert sorted(letters.done()) == ["A", "C"]
        assert list(letters.in_flight) == []


async def test_a_result_that_cannot_be_recorded_does_not_cost_the_others(letters: Letters, clock: ManualClock) -> None:
    letters.unrecordable.add("B")
    letters.put(*"abc")
    with capture_logs() as logs:
        async with running(letters, clock):
            assert sorted(letters.done()) == ["A", "C"]
            letters.put("d")
            letters.bell.ring()
            await clock.settle()
            assert letters.done()[-1] == "D"
    assert [(line["event"], line.get("result")) for line in logs] == [
        ("record_failed", None),
        ("result_dropped", "'B'"),
    ]


async def test_while_the_database_is_away_it_pauses_and_comes_back(letters: Letters, clock: ManualClock) -> None:
    letters.away = True
    letters.put("a")
    with capture_logs() as logs:
        async with running(letters, clock):
            await clock.advance(AWAY_SECONDS - 0.1)
            assert (letters.turns, [line["event"] for line in logs]) == (0, ["database_away"])
            letters.away = False
            await clock.advance(0.1)
            assert letters.done() == "A"


async def test_results_are_kept_until_the_database_is_back(letters: Letters, clock: ManualClock) -> None:
    gates = [letters.hold_up(letter) for letter in "ab"]
    with capture_logs():
        async with running(letters, clock):
            letters.away = True
            for gate in gates:
                gate.set()
                await clock.settle()
            assert letters.done() == ""
            letters.away = False
            await clock.advance(AWAY_SECONDS)
            assert letters.recorded == [["A", "B"]]


async def test_results_are_kept_when_it_goes_away_while_they_are_written_one_by_one(clock: ManualClock) -> None:
    class Fragile(Letters):
        fragile = True

        async def record(self, results: Sequence[str]) -> None:
            self.away = self.fragile and len(results) == 1
            await super().record(results)

    letters = Fragile(clock)
    letters.unrecordable.add("B")
    letters.put(*"abc")
    with capture_logs():
        async with running(letters, clock):
            assert letters.done() == ""
            letters.fragile = letters.away = False
            await clock.advance(AWAY_SECONDS)
            assert sorted(letters.done()) == ["A", "C"]


async def test_a_loop_that_dies_raises_is_dead_and_leaves_no_work_behind(clock: ManualClock) -> None:
    class Dies(Letters):
        async def claim(self) -> Sequence[str]:
            if self.turns == 1:
                raise LookupError("a bug")
            return await super().claim()

    letters = Dies(clock)
    letters.hold_up("a")
    with pytest.raises(LookupError):
        await letters.run(asyncio.Event())
    await clock.settle()
    assert not letters.alive
    assert [task for task in asyncio.all_tasks() if task.get_name() == "letters-work"] == []


# Stopping.


async def test_it_is_alive_exactly_while_it_runs(letters: Letters, clock: ManualClock) -> None:
    before = letters.alive
    async with running(letters, clock):
        during = letters.alive
    assert (before, during, letters.alive) == (False, True, False)


async def test_told_to_stop_it_finishes_and_records_what_is_in_flight(letters: Letters, clock: ManualClock) -> None:
    gate = letters.hold_up("a")
    async with running(letters, clock) as stop:
        letters.put("b")
        stop.set()
        await clock.settle()
        assert letters.alive
        gate.set()
    assert (letters.done(), letters.released, letters.due) == ("A", [], {"b": 0.0})


async def test_what_is_not_finished_within_the_grace_is_cut_and_given_back(
    letters: Letters, clock: ManualClock
) -> None:
    letters.hold_up("a")
    gate = letters.hold_up("b")
    async with running(letters, clock, grace=0.02):
        gate.set()
    assert (letters.done(), letters.released, list(letters.in_flight)) == ("B", ["a"], [])


async def test_work_that_refuses_to_be_cut_is_waited_for_and_given_back(clock: ManualClock) -> None:
    class Stubborn(Letters):
        async def work(self, item: str) -> str:
            try:
                return await super().work(item)
            except asyncio.CancelledError:
                return "finished all the same"

    letters = Stubborn(clock)
    letters.hold_up("a")
    async with running(letters, clock, grace=0):
        pass
    assert (letters.recorded, letters.released) == ([], ["a"])


async def test_a_database_that_is_away_at_the_end_holds_up_no_stop(letters: Letters, clock: ManualClock) -> None:
    letters.hold_up("a")
    with capture_logs() as logs:
        async with running(letters, clock, grace=0):
            letters.away = True
    assert [(line["event"], line["unreleased"]) for line in logs] == [("database_away_at_stop", 1)]


async def test_told_to_stop_before_it_began_it_does_nothing(letters: Letters) -> None:
    letters.put("a")
    await letters.run(_already())
    assert (letters.turns, letters.alive) == (0, False)


async def test_cancelled_it_leaves_nothing_running(letters: Letters, clock: ManualClock) -> None:
    letters.hold_up("a")
    task = asyncio.create_task(letters.run(asyncio.Event()))
    await clock.settle()
    task.cancel()
    await asyncio.wait([task])
    await clock.settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}


# The bell.


async def test_a_ring_wakes_all_who_wait_and_nobody_who_asks_later() -> None:
    bell = Bell()
    waiters = [bell.waiter(), bell.waiter()]
    bell.ring()
    assert all(waiter.done() for waiter in waiters)
    assert not bell.waiter().done()


async def test_ringing_twice_or_for_those_who_left_harms_nobody() -> None:
    bell = Bell()
    waiter, left = bell.waiter(), bell.waiter()
    left.cancel()
    bell.ring()
    bell.ring()
    assert (waiter.done(), left.cancelled()) == (True, True)
