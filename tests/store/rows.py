"""Rows to work on, with little said where little matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Table, insert, select

from bridge.ids import event_id, new_id
from bridge.models import DeliveryStatus, EventType, Video, VideoStatus
from bridge.states import VideoState
from bridge.store import Transaction, deliveries, destinations, due, tables, videos, watches
from bridge.store.deliveries import ClaimedDelivery, NewDelivery, NewEvent
from bridge.store.destinations import DestinationRow
from bridge.store.looks import LookedVideo
from bridge.store.videos import ClaimedVideo
from bridge.store.watches import NewWatch

NOW = 1_763_870_000.0
LEASE = 60.0
ALL_EVENTS = tuple(EventType)


def a_video(video_id: str = "video_1", status: VideoStatus | None = VideoStatus.IN_PROGRESS) -> Video:
    return Video(id=video_id, status=status, progress=50)


async def row(tx: Transaction, table: Table, row_id: str) -> RowMapping:
    """One row as it stands in the table."""
    return (await tx.execute(select(table).where(table.c.id == row_id))).mappings().one()


async def add_video(
    tx: Transaction,
    video_id: str = "video_1",
    *,
    provider: str = "openai",
    due: float = NOW,
    deadline: float = NOW + 3600,
) -> str:
    """The row of a video that somebody waits for."""
    video = await videos.add(tx, provider, video_id, due)
    await videos.watch_until(tx, video.id, deadline, due)
    return video.id


async def claim_videos(
    tx: Transaction, owner: str = "poller_1", *, provider: str = "openai", now: float = NOW, limit: int = 100
) -> list[ClaimedVideo]:
    return await videos.claim(tx, provider, limit=limit, owner=owner, now=now, lease=LEASE)


def looked(row_id: str, *, next_at: float | None = NOW + 2, video: Video | None = None, **state: Any) -> LookedVideo:
    """What a look at the video writes."""
    return LookedVideo(
        row_id, VideoState(video=video, looks=1, **state), NOW, "observed" if video else "trouble", next_at
    )


async def add_destination(
    tx: Transaction,
    name: str | None = None,
    *,
    target: str = "t" * 64,
    events: Sequence[EventType] = ALL_EVENTS,
    **more: Any,
) -> str:
    """The id of a destination, inline unless it has a name."""
    written = a_destination(name, target=target, events=events, **more)
    await destinations.add(tx, written)
    return written.id


def a_destination(name: str | None = None, **more: Any) -> DestinationRow:
    row_id = new_id("dest")
    fields: dict[str, Any] = {
        "id": row_id,
        "name": name,
        "origin": "inline" if name is None else "stored",
        "kind": "callback",
        "target": "t" * 64,
        "shown_url": "https://example.com/hook",
        "host": "example.com",
        "config": b"sealed",
        "config_key": "01234567",
        "digest": row_id if name is None else None,
        "events": ALL_EVENTS,
        "is_default": False,
        "created_at": NOW,
        "created_by": None,
    }
    return DestinationRow(**fields | more)


async def add_watch(
    tx: Transaction,
    video_row: str | None = None,
    destination_ids: Sequence[str] = (),
    *,
    metadata: Mapping[str, str] | None = None,
    **more: Any,
) -> str:
    """The id of a watch; of a video of its own and one destination unless they are given."""
    watch_id = new_id("watch")
    fields: dict[str, Any] = {
        "id": watch_id,
        "video_row": video_row or await add_video(tx, new_id("video")),
        "provider": "openai",
        "video_id": "video_1",
        "slot": watch_id,
        "key": "key",
        "content": "c" * 64,
        "metadata": metadata or {},
        "created_at": NOW,
        "created_by": None,
        "expires_at": NOW + 3600,
        "destination_ids": destination_ids or [await add_destination(tx)],
    }
    await watches.add(tx, NewWatch(**fields | more))
    return watch_id


async def add_delivery(
    tx: Transaction,
    watch_id: str | None = None,
    destination_id: str | None = None,
    *,
    created_at: float = NOW,
    type_: EventType = EventType.VIDEO_COMPLETED,
    target: str = "t" * 64,
    **columns: Any,
) -> str:
    """The id of a delivery that is due when it is made; ``columns`` stand in the row as given."""
    watch_id = watch_id or await add_watch(tx)
    event = NewEvent(event_id(watch_id, type_), watch_id, type_, created_at, a_video().as_dict())
    known = (await tx.execute(select(tables.events.c.id).where(tables.events.c.id == event.id))).first()
    told = destination_id or await add_destination(tx, target=target)
    new = NewDelivery(new_id("dlv"), event.id, type_, watch_id, told, target, "example.com", created_at)
    await deliveries.add(tx, [] if known else [event], [new])
    if columns:
        await tx.execute(tables.deliveries.update().where(tables.deliveries.c.id == new.id).values(columns))
    return new.id


async def add_delivery_as(tx: Transaction, status: DeliveryStatus, **columns: Any) -> str:
    """The id of a delivery with this status, which is due only while it is pending."""
    due = NOW if status is DeliveryStatus.PENDING else None
    return await add_delivery(tx, status=status.value, next_at=due, **columns)


async def claim_deliveries(
    tx: Transaction, owner: str = "sender_1", *, now: float = NOW, limit: int = 100
) -> list[ClaimedDelivery]:
    return await due.claim(tx, limit=limit, owner=owner, now=now, lease=LEASE)


async def disable(tx: Transaction, target: str) -> None:
    """Nothing more is to be sent to this target."""
    await tx.execute(insert(tables.targets).values(target=target, kind="callback", disabled_at=NOW, failures=0))
