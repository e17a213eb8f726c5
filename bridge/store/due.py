"""Due deliveries: which are claimed, and when there is something to claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import and_, bindparam, select, update

from bridge.models import EventType
from bridge.store.database import Transaction
from bridge.store.deliveries import FIRST, RETRY, ClaimedDelivery
from bridge.store.dialects import among
from bridge.store.tables import deliveries, destinations, events, targets, watches

# A retry that has been due for so long goes before first attempts: they must not keep it away for ever, seconds.
_LONG_DUE = 60.0
# A page of due deliveries may be all of hosts that have their share; so many pages are turned for one claim.
_PAGES = 4

_DUE = (
    select(deliveries.c.id, deliveries.c.host)
    .where(
        deliveries.c.turn == bindparam("turn"),
        deliveries.c.next_at <= bindparam("due"),
        ~among(deliveries.c.host, "full"),
    )
    .order_by(deliveries.c.next_at, deliveries.c.id)
    .limit(bindparam("page"))
    .with_for_update(skip_locked=True)
)
_LEASE = (
    update(deliveries)
    .where(among(deliveries.c.id, "ids"))
    .values(
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until"),
        next_at=bindparam("until"),
        fence=deliveries.c.fence + 1,
    )
)
_CLAIMED = (
    select(
        deliveries.c.id,
        deliveries.c.fence,
        deliveries.c.event_id,
        deliveries.c.event_type,
        events.c.created_at,
        events.c.video,
        deliveries.c.watch_id,
        watches.c.created_at,
        watches.c.metadata,
        watches.c.provider,
        deliveries.c.destination_id,
        destinations.c.origin,
        destinations.c.kind,
        deliveries.c.target,
        deliveries.c.host,
        destinations.c.config,
        and_(destinations.c.enabled, targets.c.disabled_at.is_(None)),
        deliveries.c.created_at,
        deliveries.c.body,
        deliveries.c.step,
        deliveries.c.attempts,
        deliveries.c.manual_asked,
        deliveries.c.manual_done,
    )
    .select_from(
        deliveries.join(events, events.c.id == deliveries.c.event_id)
        .join(watches, watches.c.id == deliveries.c.watch_id)
        .join(destinations, destinations.c.id == deliveries.c.destination_id)
        .outerjoin(targets, targets.c.target == deliveries.c.target)
    )
    .where(among(deliveries.c.id, "ids"))
)
_NEXT = (
    select(deliveries.c.next_at)
    .where(
        deliveries.c.turn == bindparam("turn"),
        deliveries.c.next_at.is_not(None),
        ~among(deliveries.c.host, "full"),
    )
    .order_by(deliveries.c.next_at)
    .limit(1)
)


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
    ids = list(chosen.ids)
    await tx.execute(_LEASE, {"ids": ids, "owner": owner, "until": now + lease})
    claimed = {row[0]: _claimed(row, now) for row in await tx.execute(_CLAIMED, {"ids": ids})}
    return [claimed[each] for each in ids if each in claimed]


def _claimed(row: Iterable[Any], now: float) -> ClaimedDelivery:
    """A row of what is claimed. Its columns stand in the order of the fields."""
    fields = list(row)
    fields[3], fields[16] = EventType(fields[3]), bool(fields[16])
    fields.insert(17, now)
    return ClaimedDelivery(*fields)


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
            asked = {"turn": turn, "due": due, "full": self._full, "page": page}
            rows = (await tx.execute(_DUE, asked)).all()
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
        asked = {"turn": turn, "full": full}
        found.append((await tx.execute(_NEXT, asked)).scalar_one_or_none())
    return min((due for due in found if due is not None), default=None)
