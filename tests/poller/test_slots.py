"""A budget that two processes share."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from bridge.poller.slots import reserve_slots, slow_down, still_granting
from bridge.providers.budget import Budget
from tests.clock import ManualClock
from tests.parts import Parts


async def granted(parts: Parts, budget: Budget, number: int) -> list[float]:
    """The slots that so many callers get of it."""
    before = budget.ledger.next_slot
    async with parts.database.write() as tx:
        await reserve_slots(tx, "openai", budget, parts.clock.now(), number)
    return [before, budget.ledger.next_slot]


async def test_replicas_are_given_slots_one_after_the_other(parts: Parts, clock: ManualClock) -> None:
    one, two = Budget(10, clock, shared=True), Budget(10, clock, shared=True)
    for budget in (one, two, one):
        await granted(parts, budget, 100)
    moments: list[float] = []

    async def ask(budget: Budget) -> None:
        await budget.acquire()
        moments.append(clock.now())

    asking = [asyncio.create_task(ask(budget)) for budget in [one] * 20 + [two] * 10]
    await clock.advance(4)
    await asyncio.gather(*asking)
    assert len(moments) == 30
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(moments))


async def test_a_429_to_one_is_a_429_to_all(parts: Parts, clock: ManualClock) -> None:
    one, two = Budget(10, clock, shared=True), Budget(10, clock, shared=True)
    async with parts.database.write() as tx:
        await slow_down(tx, "openai", one, clock.now(), clock.now() + 5)
    await granted(parts, two, 1)
    assert (one.allowed, two.allowed) == (5, 5)
    await clock.advance(35)
    assert (one.allowed, two.allowed) == (10, 10)


async def test_what_is_not_shared_reserves_nothing(parts: Parts, clock: ManualClock) -> None:
    budget = Budget(10, clock)
    assert await granted(parts, budget, 100) == [0, 0]


async def test_what_is_under_way_gets_its_slots_also_while_a_loop_finishes(parts: Parts, clock: ManualClock) -> None:
    budget = Budget(10, clock, shared=True)
    async with still_granting(parts.database, {"openai": budget}, clock):
        asking = [asyncio.create_task(budget.acquire()) for _ in range(25)]
        while not all(each.done() for each in asking):
            await clock.advance(0.25)
            async with parts.database.write():  # after what is written just now: a slot waits for no slow disk
                pass
    assert clock.now() - budget.ledger.next_slot < 1
