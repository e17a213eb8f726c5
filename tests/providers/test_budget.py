"""The spacing of requests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.clock import SteadyClock
from bridge.providers.budget import Budget, Kind
from bridge.providers.ledger import Block, Ledger, slowed
from tests.clock import AutoClock, ManualClock


class Queue:
    """Callers that wait for a budget, and when each was let through."""

    def __init__(self, budget: Budget, clock: ManualClock) -> None:
        self.passed: list[tuple[str, float]] = []
        self._budget = budget
        self._clock = clock
        self._start = clock.monotonic()

    def join(self, name: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._wait(name))

    async def _wait(self, name: str) -> None:
        await self._budget.acquire()
        self.passed.append((name, self._clock.monotonic() - self._start))


async def test_the_first_request_goes_at_once(auto_clock: AutoClock) -> None:
    await Budget(0.1, auto_clock).acquire()
    assert auto_clock.slept == []


async def test_requests_are_evenly_spaced_and_served_in_order(clock: ManualClock) -> None:
    queue = Queue(Budget(2, clock), clock)
    waiting = [queue.join(name) for name in "abc"]
    await clock.advance(10)
    assert queue.passed == [("a", 0.0), ("b", 0.5), ("c", 1.0)]
    assert all(each.done() for each in waiting)


async def test_time_that_nobody_used_is_not_saved_up(clock: ManualClock) -> None:
    budget = Budget(2, clock)
    queue = Queue(budget, clock)
    await clock.advance(100)
    waiting = [queue.join("a"), queue.join("b")]
    await clock.advance(10)
    assert queue.passed == [("a", 100.0), ("b", 100.5)]
    await asyncio.gather(*waiting)


async def test_a_cancelled_waiter_costs_no_slot(clock: ManualClock) -> None:
    queue = Queue(Budget(2, clock), clock)
    waiting = [queue.join(name) for name in "abcd"]
    await clock.settle()
    waiting[1].cancel()  # the one whose turn it is
    waiting[2].cancel()  # one further back
    await clock.advance(10)
    assert queue.passed == [("a", 0.0), ("d", 0.5)]


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_be_above_zero(rate: float, auto_clock: AutoClock) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Budget(rate, auto_clock)


@given(st.floats(0.1, 50), st.lists(st.floats(0, 3), min_size=1, max_size=150))
def test_five_seconds_never_see_more_than_the_rate_allows(rate: float, pauses: list[float]) -> None:
    clock = AutoClock(start=0.0)
    budget = Budget(rate, clock)
    sent: list[float] = []

    async def send_all() -> None:
        for pause in pauses:
            clock.advance(pause if pause > 1 else 0)
            await budget.acquire()
            sent.append(clock.monotonic())

    asyncio.run(send_all())
    for start in sent:
        assert sum(start <= moment <= start + 4.999 for moment in sent) <= rate * 5 + 1


class LateClock(AutoClock):
    """A clock whose sleepers are woken late by each of these in turn, seconds."""

    def __init__(self, late: Sequence[float]) -> None:
        super().__init__(start=0.0)
        self._late = itertools.cycle(late)

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + next(self._late))


def sent_by(budget: Budget, clock: AutoClock, number: int) -> list[float]:
    """When so many callers, who all wait from the beginning on, were let through."""
    sent: list[float] = []

    async def send() -> None:
        await budget.acquire()
        sent.append(clock.monotonic())

    async def send_all() -> None:
        await asyncio.gather(*(send() for _ in range(number)))

    asyncio.run(send_all())
    return sent


def test_late_wakers_do_not_cost_budget() -> None:
    clock = LateClock([0.01, 0.03, 0.002])
    sent = sent_by(Budget(20, clock), clock, 201)
    assert sent[-1] == pytest.approx(10.0, abs=0.04)


def test_one_that_is_very_late_is_not_followed_by_a_burst() -> None:
    clock = LateClock([0, 0, 7.0, 0, 0])
    sent = sent_by(Budget(2, clock), clock, 7)
    assert min(later - one for one, later in itertools.pairwise(sent)) >= 0.4


@given(st.floats(0.1, 50), st.lists(st.floats(0, 0.5), min_size=1, max_size=20))
def test_five_seconds_never_see_more_however_late_wakers_are(rate: float, late: list[float]) -> None:
    clock = LateClock(late)
    sent = sent_by(Budget(rate, clock), clock, 300)
    for start in sent:
        assert sum(start <= moment <= start + 4.999 for moment in sent) <= rate * 5 + 1


async def passed(queue: Queue, clock: ManualClock, number: int) -> list[float]:
    """When so many callers, who come together, were let through."""
    callers = [queue.join(str(caller)) for caller in range(number)]
    await clock.advance(10)
    await asyncio.gather(*callers)
    return [moment for _, moment in queue.passed]


async def test_a_page_does_not_wait_behind_all_the_looks(clock: ManualClock) -> None:
    budget, served = Budget(1, clock), list[str]()

    async def ask(kind: Kind) -> None:
        await budget.acquire(kind)
        served.append(kind)

    asking = [asyncio.create_task(ask(kind)) for kind in ("retrieve",) * 4 + ("list",) * 7]
    await clock.advance(20)
    await asyncio.gather(*asking)
    # The first two were there alone; then pages go first, and looks go on.
    three = ["list"] * 3
    assert served == ["retrieve", "retrieve", *three, "retrieve", *three, "retrieve", "list"]


async def test_after_a_429_requests_are_further_apart(clock: ManualClock) -> None:
    budget = Budget(2, clock)
    budget.ledger = slowed(Ledger(), 2, clock.now(), wait=100)
    queue = Queue(budget, clock)
    assert await passed(queue, clock, 3) == [0, 1, 2]
    assert (budget.rate, budget.allowed) == (2, 1)


async def test_a_shared_budget_hands_out_what_was_reserved_each_slot_at_its_moment(clock: ManualClock) -> None:
    budget = Budget(2, clock, shared=True)
    queue = Queue(budget, clock)
    budget.grant(Block(clock.now() + 1, 0.5, 3))
    assert await passed(queue, clock, 3) == [1, 1.5, 2]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_what_was_promised_keeps_its_moment_when_the_clock_is_set(clock: ManualClock, jump: float) -> None:
    steady = SteadyClock(clock)
    budget = Budget(2, steady, shared=True)
    budget.grant(Block(steady.now() + 1, 0.5, 3))
    budget.hold(2)
    steady.move(jump)
    assert budget.held_until == steady.now() + 2
    queue = Queue(budget, clock)
    assert await passed(queue, clock, 1) == [2]


async def test_a_slot_whose_moment_is_long_over_is_lost(clock: ManualClock) -> None:
    budget = Budget(2, clock, shared=True)
    budget.grant(Block(clock.now(), 0.5, 3))
    await clock.advance(0.7)
    assert budget.short(2) == 1
    queue = Queue(budget, clock)
    assert await passed(queue, clock, 1) == [pytest.approx(0.3)]


async def test_who_waits_without_a_slot_says_so_and_is_served_when_one_is_reserved(clock: ManualClock) -> None:
    budget, said = Budget(2, clock, shared=True), list[int]()
    budget.on_short = lambda: said.append(budget.short())
    waiting = asyncio.create_task(budget.acquire())
    await clock.settle()
    assert said == [1]
    budget.grant(Block(clock.now(), 0.5, 1))
    await waiting
    assert budget.short() == 0
