"""Due deliveries: which are claimed, and when there is something to claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import and_, select, update

from bridge.models import EventType
from bridge.store.database import Transaction
from bridge.store.deliveries import FIRST, RETRY, ClaimedDelivery
from bridge.store.tables import deliveries, destinations, events, targets, watches

# A retry that has been due for so long goes before first attempts: they must not keep it away for ever, seconds.
_LONG_DUE = 60.0
# A page of due deliveries may be all of hosts that have their share; so many pages are turned for one claim.
_PAGES = 4


async def claim(
    tx: Transaction, *, limit: int, owner: str, now: float, lease: float, places: Callable[[str], int] | None = None
) -> list[ClaimedDelivery]:
    """Lease due deliveries, with all that sending them needs: first attempts before retries, each by their age.

    :param places: how many more a host may have; without it, any number.
    """
    chosen = _Chosen(limit, places or (lambda _host: limit))
    await chosen.fill(tx, RETRY, due=now - _LONG_DUE, upto=(limit + 1) // 2)
    await chosen.fill(tx, FIRST, due=now, upto=limit)
    await chosen.fill(tx, RETRY, due=now, upto=limit)
    if not chosen.ids:
        return []
    leased = await tx.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(chosen.ids))
        .values(lease_owner=owner, lease_until=now + lease, next_at=now + lease, fence=deliveries.c.fence + 1)
        .returning(deliveries.c.id)
    )
    ids = list(leased.scalars())
    rows = (await tx.execute(_claimed_query().where(deliveries.c.id.in_(ids)))).mappings()
    claimed = [
        ClaimedDelivery(
            **dict(row)
            | {"event_type": EventType(row["event_type"]), "enabled": bool(row["enabled"]), "claimed_at": now}
        )
        for row in rows
    ]
    place = {delivery_id: number for number, delivery_id in enumerate(chosen.ids)}
    return sorted(claimed, key=lambda each: place[each.id])


class _Chosen:
    """Deliveries that are being chosen, none of a host that has no place left."""

    def __init__(self, limit: int, places: Callable[[str], int]) -> None:
        self.ids: list[str] = []
        self._limit = limit
        self._places = places
        self._taken: Counter[str] = Counter()
        self._full: set[str] = set()

    async def fill(self, tx: Transaction, turn: int, *, due: float, upto: int) -> None:
        """Choose those of a turn that were due by then, until there are so many."""
        page = 2 * self._limit
        for _ in range(_PAGES):
            if len(self.ids) >= upto:
                return
            query = (
                select(deliveries.c.id, deliveries.c.host)
                .where(deliveries.c.turn == turn, deliveries.c.next_at <= due, deliveries.c.host.not_in(self._full))
                .order_by(deliveries.c.next_at, deliveries.c.id)
                .limit(page)
                .with_for_update(skip_locked=True)
            )
            rows = (await tx.execute(query)).all()
            known = set(self.ids)
            for delivery_id, host in rows:
                if len(self.ids) < upto and delivery_id not in known:
                    self._consider(delivery_id, host)
            if len(rows) < page:
                return

    def _consider(self, delivery_id: str, host: str) -> None:
        if self._taken[host] >= self._places(host):
            self._full.add(host)
            return
        self._taken[host] += 1
        self.ids.append(delivery_id)


async def next_due(tx: Transaction, full: Collection[str] = ()) -> float | None:
    """When the next delivery is due.

    :param full: hosts that have no place left.
    """
    found = []
    for turn in (FIRST, RETRY):  # one by one each is the first entry of an index
        query = (
            select(deliveries.c.next_at)
            .where(deliveries.c.turn == turn, deliveries.c.next_at.is_not(None), deliveries.c.host.not_in(full))
            .order_by(deliveries.c.next_at)
            .limit(1)
        )
        found.append((await tx.execute(query)).scalar_one_or_none())
    return min((due for due in found if due is not None), default=None)


def _claimed_query() -> Any:
    joined = (
        deliveries.join(events, events.c.id == deliveries.c.event_id)
        .join(watches, watches.c.id == deliveries.c.watch_id)
        .join(destinations, destinations.c.id == deliveries.c.destination_id)
        .outerjoin(targets, targets.c.target == deliveries.c.target)
    )
    return select(
        deliveries.c.id,
        deliveries.c.fence,
        deliveries.c.event_id,
        deliveries.c.event_type,
        events.c.created_at.label("event_at"),
        events.c.video,
        deliveries.c.watch_id,
        watches.c.created_at.label("watch_created_at"),
        watches.c.metadata.label("watch_metadata"),
        watches.c.provider,
        deliveries.c.destination_id,
        destinations.c.origin,
        destinations.c.kind,
        deliveries.c.target,
        deliveries.c.host,
        destinations.c.config,
        and_(destinations.c.enabled, targets.c.disabled_at.is_(None)).label("enabled"),
        deliveries.c.created_at,
        deliveries.c.body,
        deliveries.c.step,
        deliveries.c.attempts,
        deliveries.c.manual_asked,
        deliveries.c.manual_done,
    ).select_from(joined)
