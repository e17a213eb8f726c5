"""What replicas share about asking a provider, read and written in the poller's transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bridge.clock import Clock
from bridge.errors import StoreUnavailableError
from bridge.logs import get_logger
from bridge.providers.base import Provider
from bridge.providers.budget import Budget
from bridge.providers.ledger import Ledger, rate_at, reserve, slowed
from bridge.store import lanes
from bridge.store.database import Database, Transaction

_GRANT_EVERY = 0.25
_log = get_logger("bridge.poller")


@dataclass(frozen=True, slots=True)
class Pressure:
    """How much is asked of a provider's budget, for whoever decides when to look again.

    :param rate: the rate that is allowed now, requests/s: less than the configured one after a 429.
    :param lateness: by how much the video that is due longest was late when it was last claimed, seconds; 0 when all
        are looked at in time.
    :param cost: requests that one observation costs, 1 where each is a look of its own; a page of a list that shows
        many videos makes it less.
    """

    rate: float
    lateness: float = 0.0
    cost: float = 1.0


async def reserve_slots(tx: Transaction, name: str, budget: Budget, now: float, more: int = 0) -> None:
    """Reserve what is missing for those who wait to ask; nothing where the budget is not shared.

    :param more: who are about to wait, too.
    """
    wanted = budget.short(more)
    if not wanted:
        return
    row = await lanes.read(tx, name, hold=True)
    if row is None:
        return
    known = Ledger(row.next_slot, row.low, row.slowed_at)
    budget.ledger, block = reserve(known, wanted, budget.rate, now, budget.held_until)
    await _keep(tx, name, budget.ledger)
    budget.grant(block)


@asynccontextmanager
async def still_granting(database: Database, budgets: Mapping[str, Budget], clock: Clock) -> AsyncIterator[None]:
    """Reserve slots for as long as the block runs: a loop that only finishes what is under way makes no more turns."""

    async def grant() -> None:
        while True:
            if any(budget.short() for budget in budgets.values()):
                with suppress(StoreUnavailableError):  # what waits is cut at the end
                    async with database.write() as tx:
                        for name in sorted(budgets):
                            await reserve_slots(tx, name, budgets[name], database.now())
            await clock.sleep(_GRANT_EVERY)

    shared = any(budget.shared for budget in budgets.values())
    granting = asyncio.create_task(grant()) if shared else None
    try:
        yield
    finally:
        if granting is not None:
            granting.cancel()
            await asyncio.wait({granting})


async def slow_down(tx: Transaction, name: str, budget: Budget, now: float, until: float) -> None:
    """Halve the rate: the provider answered 429 and is to be left alone until then."""
    row = await lanes.read(tx, name, hold=True)
    known = budget.ledger if row is None else Ledger(row.next_slot, row.low, row.slowed_at)
    budget.ledger = slowed(known, budget.rate, now, max(0.0, until - now))
    await _keep(tx, name, budget.ledger)
    if budget.ledger.low != known.low:
        allowed = rate_at(budget.ledger, budget.rate, now)
        _log.warning("provider_rate_halved", provider=name, rate=round(allowed, 3), configured=budget.rate)


async def open_lane(tx: Transaction, provider: Provider) -> lanes.LaneRow | None:
    """Recall what is known of a provider; of one whose base URL changed, nothing."""
    await lanes.open_lane(tx, provider.name, provider.base_url)
    row = await lanes.read(tx, provider.name)
    if row is not None:
        provider.budget.ledger = Ledger(row.next_slot, row.low, row.slowed_at)
    return row


async def _keep(tx: Transaction, name: str, ledger: Ledger) -> None:
    await lanes.keep_budget(tx, name, next_slot=ledger.next_slot, low=ledger.low, slowed_at=ledger.slowed_at)
