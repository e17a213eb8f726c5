"""What replicas share about asking a provider: the book of its budget, who reads its list, what is known of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update

from bridge.store.database import Transaction
from bridge.store.dialects import upsert
from bridge.store.tables import lanes

# A lease that ends later than any lasts comes from a clock that was set back, seconds.
_LONGEST_LEASE = 300.0


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One provider's row. Times are Unix seconds.

    :param next_slot: the first moment at which nobody has reserved to ask.
    :param low: the rate after the last 429, requests/s; :param slowed_at: from when on it comes back.
    :param sweep_owner: who reads the list, until ``sweep_until``.
    """

    base_url: str
    next_slot: float
    low: float | None
    slowed_at: float | None
    sweep_owner: str | None
    sweep_until: float | None
    listing: Mapping[str, Any]


async def open_lane(tx: Transaction, name: str, base_url: str) -> None:
    """See that there is a row; one of another base URL begins anew."""
    blank: dict[str, Any] = {
        "next_slot": 0.0,
        "low": None,
        "slowed_at": None,
        "sweep_owner": None,
        "sweep_until": None,
        "listing": {},
    }
    await upsert(tx, lanes, [{"name": name, "base_url": base_url} | blank], key=("name",))
    stranger = (lanes.c.name == name, lanes.c.base_url != base_url)
    await tx.execute(update(lanes).where(*stranger).values(base_url=base_url, **blank))


async def read(tx: Transaction, name: str, *, hold: bool = False) -> LaneRow | None:
    """The row of a provider.

    :param hold: nobody else may change it until the transaction ends.
    """
    query = select(
        lanes.c.base_url,
        lanes.c.next_slot,
        lanes.c.low,
        lanes.c.slowed_at,
        lanes.c.sweep_owner,
        lanes.c.sweep_until,
        lanes.c.listing,
    ).where(lanes.c.name == name)
    row = (await tx.execute(query.with_for_update() if hold else query)).one_or_none()
    return None if row is None else LaneRow(*row)


async def keep_budget(
    tx: Transaction, name: str, *, next_slot: float, low: float | None, slowed_at: float | None
) -> None:
    """Write the book of a budget."""
    values = {"next_slot": next_slot, "low": low, "slowed_at": slowed_at}
    await tx.execute(update(lanes).where(lanes.c.name == name).values(values))


async def keep_listing(tx: Transaction, name: str, listing: Mapping[str, Any]) -> None:
    """Write what is known of a list."""
    await tx.execute(update(lanes).where(lanes.c.name == name).values(listing=dict(listing)))


async def lease(tx: Transaction, name: str, owner: str, now: float, until: float) -> bool:
    """Take, or hold on to, the lease to read a provider's list; whether it is ours."""
    free = or_(
        lanes.c.sweep_owner.is_(None),
        lanes.c.sweep_owner == owner,
        lanes.c.sweep_until <= now,
        lanes.c.sweep_until > now + _LONGEST_LEASE,
    )
    taken = await tx.execute(
        update(lanes).where(lanes.c.name == name, free).values(sweep_owner=owner, sweep_until=until)
    )
    return taken.rowcount > 0


async def give_up(tx: Transaction, owner: str | None = None) -> None:
    """Give up the leases of one owner, or all of them: for a process that knows it is alone."""
    mine = [] if owner is None else [lanes.c.sweep_owner == owner]
    await tx.execute(update(lanes).where(*mine).values(sweep_owner=None, sweep_until=None))
