"""Watches: registered, listed, ended. The keys of "Again" are slots that at most one watch holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from pydantic_core import to_json
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    bindparam,
    column,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from bridge.models import DeliveryStatus, Page, PageRequest, Video, WatchStatus, WatchView
from bridge.states import Ending, LiveWatch
from bridge.store import destinations as destinations_store
from bridge.store.database import Transaction
from bridge.store.dialects import among, chunks, json_pairs
from bridge.store.prepared import Prepared
from bridge.store.tables import LIVE, deliveries, videos, watch_destinations, watches


class NewWatch(NamedTuple):
    """A watch as it is registered: all that its row takes, in the order of the statement, and then what it tells."""

    id: str
    video_row: str
    provider: str
    video_id: str
    slot: str
    key: str
    content: str
    metadata: dict[str, str]
    created_at: float
    created_by: str | None
    expires_at: float
    destination_ids: Sequence[str]


_ADD = Prepared(
    insert(watches).values(status=WatchStatus.WATCHING.value),
    (
        "id",
        "video",
        "provider",
        "video_id",
        "slot",
        "key",
        "content",
        "metadata",
        "created_at",
        "created_by",
        "expires_at",
    ),
)
_LINK = Prepared(insert(watch_destinations), ("watch_id", "destination_id", "position"))

NO_DELIVERIES: Mapping[DeliveryStatus, int] = MappingProxyType(dict.fromkeys(DeliveryStatus, 0))
"""What is summed up of the deliveries of a watch that has none."""


class Holder(NamedTuple):
    """The watch that holds a key's slot."""

    id: str
    content: str
    status: WatchStatus


@dataclass(frozen=True, slots=True)
class WatchFilter:
    """Which watches a list shows; None shows all."""

    status: WatchStatus | None = None
    video_id: str | None = None
    provider: str | None = None
    metadata: Mapping[str, str] | None = None


_HOLDERS = select(watches.c.slot, watches.c.id, watches.c.content, watches.c.status).where(
    among(watches.c.slot, "w_slots")
)


# Built once: for a request that shows a watch that was a third of all its work.
_WITH_VIDEO = select(watches, videos.c.observation).join(videos, videos.c.id == watches.c.video)
_BY_IDS = _WITH_VIDEO.where(among(watches.c.id, "w_ids"))
_DELIVERIES = (
    select(deliveries.c.watch_id, deliveries.c.status, func.count())
    .where(among(deliveries.c.watch_id, "w_ids"))
    .group_by(deliveries.c.watch_id, deliveries.c.status)
)


async def holders(tx: Transaction, slots: Collection[str]) -> dict[str, Holder]:
    """The watches that were registered under these slots and still hold them, by slot."""
    found: dict[str, Holder] = {}
    for some in chunks(slots):
        rows = await tx.execute(_HOLDERS, {"w_slots": some})
        found |= {str(row[0]): Holder(row[1], row[2], WatchStatus(row[3])) for row in rows}
    return found


async def vacate(tx: Transaction, watch_ids: Collection[str]) -> None:
    """Take their slots away from watches, for their successors."""
    for some in chunks(watch_ids):
        await tx.execute(update(watches).where(watches.c.id.in_(some)).values(slot=None))


async def add(tx: Transaction, new: NewWatch) -> None:
    """Insert a watch that is still waiting, and what it tells."""
    await add_many(tx, [new])


async def add_many(tx: Transaction, new: Sequence[NewWatch]) -> None:
    """Insert watches that are still waiting, and what they tell."""
    for some in chunks(new):
        await _ADD.run(tx, [_row(each) for each in some])
        links = [
            (each.id, destination_id, position)
            for each in some
            for position, destination_id in enumerate(each.destination_ids)
        ]
        await _LINK.run(tx, links)


def _row(new: NewWatch) -> tuple[object, ...]:
    return (*new[:7], to_json(new.metadata).decode(), *new[8:11])


async def live(tx: Transaction, video_rows: Collection[str]) -> dict[str, list[LiveWatch]]:
    """The watches still waiting, by their video's row."""
    found: dict[str, list[LiveWatch]] = defaultdict(list)
    if not video_rows:
        return found
    query = select(watches.c.video, watches.c.id, watches.c.expires_at).where(
        watches.c.video.in_(video_rows), watches.c.status == WatchStatus.WATCHING.value
    )
    for video_row, watch_id, expires_at in await tx.execute(query):
        found[video_row].append(LiveWatch(watch_id, expires_at))
    return found


@dataclass(frozen=True, slots=True)
class OverdueWatch:
    """A watch whose time is up although its video could not be looked at."""

    watch: LiveWatch
    video_row: str
    video_id: str
    video: Video | None


async def overdue(tx: Transaction, provider: str, before: float, limit: int) -> list[OverdueWatch]:
    """Watches of a provider whose time was up before ``before``, but for those whose video is being looked at."""
    query = (
        select(watches.c.id, watches.c.expires_at, videos.c.id, videos.c.video_id, videos.c.observation)
        .join(videos, videos.c.id == watches.c.video)
        .where(
            videos.c.provider == provider,
            videos.c.deadline <= before,
            or_(videos.c.lease_owner.is_(None), videos.c.lease_until <= before),
            watches.c.status == WatchStatus.WATCHING.value,
            watches.c.expires_at <= before,
        )
        .order_by(watches.c.expires_at, watches.c.id)
        .limit(limit)
        .with_for_update(of=videos, skip_locked=True)  # another replica may be at the same
    )
    return [
        OverdueWatch(LiveWatch(row[0], row[1]), row[2], row[3], None if row[4] is None else Video.from_dict(row[4]))
        for row in await tx.execute(query)
    ]


async def waiting_providers(tx: Transaction) -> set[str]:
    """Names of the providers that have videos somebody waits for."""
    found: set[str] = set()
    last = ""
    while True:  # from one name to the next in the index, however many rows there are of each
        query = (
            select(videos.c.provider)
            .where(videos.c.provider > last, videos.c.next_at.is_not(None))
            .order_by(videos.c.provider)
            .limit(1)
        )
        name = (await tx.execute(query)).scalar_one_or_none()
        if name is None:
            return found
        found.add(name)
        last = name


async def end(tx: Transaction, ended: Sequence[tuple[str, Ending]], now: float) -> None:
    """Write how watches ended."""
    if not ended:
        return
    await tx.execute(
        update(watches)
        .where(watches.c.id == bindparam("row"), watches.c.status == WatchStatus.WATCHING.value)
        .values(status=bindparam("v_status"), reason=bindparam("v_reason"), ended_at=now),
        [{"row": watch_id, "v_status": ending.status.value, "v_reason": ending.reason} for watch_id, ending in ended],
    )


async def cancel(tx: Transaction, watch_id: str, now: float) -> bool:
    """Cancel a watch that is still waiting; False when it is not. Its video is settled by the caller."""
    result = await tx.execute(
        update(watches)
        .where(watches.c.id == watch_id, watches.c.status == WatchStatus.WATCHING.value)
        .values(status=WatchStatus.CANCELLED.value, ended_at=now)
    )
    return result.rowcount == 1


async def video_row_of(tx: Transaction, watch_id: str) -> str:
    """The row of the video a watch is about."""
    return str((await tx.execute(select(watches.c.video).where(watches.c.id == watch_id))).scalar_one())


async def status_of(tx: Transaction, watch_id: str) -> WatchStatus | None:
    """Where a watch stands; None when there is none of this id."""
    status = (await tx.execute(select(watches.c.status).where(watches.c.id == watch_id))).scalar_one_or_none()
    return None if status is None else WatchStatus(status)


async def existing(tx: Transaction, watch_ids: Collection[str]) -> set[str]:
    """Those of these ids that belong to a watch."""
    return set((await tx.execute(select(watches.c.id).where(watches.c.id.in_(watch_ids)))).scalars())


async def get(tx: Transaction, watch_id: str) -> WatchView | None:
    """One watch with its video, destinations and delivery counts."""
    return (await get_many(tx, [watch_id])).get(watch_id)


async def get_many(tx: Transaction, watch_ids: Collection[str]) -> dict[str, WatchView]:
    """Several watches by id."""
    found: dict[str, WatchView] = {}
    for some in chunks(watch_ids):
        rows = (await tx.execute(_BY_IDS, {"w_ids": some})).mappings().all()
        found |= {view.id: view for view in await _views(tx, rows)}
    return found


async def page(tx: Transaction, request: PageRequest, filter: WatchFilter) -> Page[WatchView]:
    """One page of watches, newest first unless asked otherwise."""
    conditions: list[ColumnElement[bool]] = []
    if filter.status is not None:
        conditions.append(watches.c.status == filter.status.value)
    if filter.video_id is not None:
        conditions.append(watches.c.video_id == filter.video_id)
    if filter.provider is not None:
        conditions.append(watches.c.provider == filter.provider)
    for name, value in (filter.metadata or {}).items():
        conditions.append(_has_metadata(name, value))
    if request.after is not None:
        conditions.append(watches.c.id < request.after if request.descending else watches.c.id > request.after)
    order = watches.c.id.desc() if request.descending else watches.c.id.asc()
    query = _WITH_VIDEO.where(*conditions).order_by(order).limit(request.limit + 1)
    found = await _views(tx, (await tx.execute(query)).mappings().all())
    return Page(found[: request.limit], len(found) > request.limit)


async def number_live(tx: Transaction, created_by: str | None) -> int:
    """How many watches of one registrant are still waiting."""
    query = select(func.count()).select_from(watches).where(watches.c.created_by == created_by, LIVE)
    return int((await tx.execute(query)).scalar_one())


async def counts(tx: Transaction) -> dict[WatchStatus, int]:
    """How many watches there are, by status."""
    query = select(watches.c.status, func.count()).group_by(watches.c.status)
    return {WatchStatus(row[0]): row[1] for row in await tx.execute(query)}


def _has_metadata(name: str, value: str) -> ColumnElement[bool]:
    """The metadata holds this pair. Keys are the registrant's own text, so no JSON path is made of them."""
    entries = json_pairs(watches.c.metadata).table_valued(column("key"), column("value"), name="entry")
    return exists(
        select(literal_column("1")).select_from(entries).where(entries.c.key == name, entries.c.value == value)
    )


async def _views(tx: Transaction, rows: Sequence[RowMapping]) -> list[WatchView]:
    ids = [row["id"] for row in rows]
    told = await destinations_store.of_watches(tx, ids)
    summary = await _delivery_counts(tx, ids)
    return [
        WatchView(
            id=row["id"],
            status=WatchStatus(row["status"]),
            video_id=row["video_id"],
            provider=row["provider"],
            key=row["key"],
            video=None if row["observation"] is None else Video.from_dict(row["observation"]),
            destinations=tuple(told.get(row["id"], ())),
            metadata=row["metadata"],
            created_at=row["created_at"],
            created_by=row["created_by"],
            expires_at=row["expires_at"],
            ended_at=row["ended_at"],
            reason=row["reason"],
            deliveries=summary[row["id"]],
        )
        for row in rows
    ]


async def _delivery_counts(tx: Transaction, watch_ids: Sequence[str]) -> Mapping[str, Mapping[DeliveryStatus, int]]:
    found: dict[str, dict[DeliveryStatus, int]] = defaultdict(lambda: dict(NO_DELIVERIES))
    if watch_ids:
        for watch_id, status, number in await tx.execute(_DELIVERIES, {"w_ids": watch_ids}):
            found[watch_id][DeliveryStatus(status)] = number
    return found
