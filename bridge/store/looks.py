"""Looks written back: many at once, most of which show nothing new."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import bindparam, null, update

from bridge.states import VideoState
from bridge.store.database import Transaction
from bridge.store.prepared import Prepared
from bridge.store.tables import videos


class LookedVideo(NamedTuple):
    """What one look writes: the state after it, and when to look next (None: nobody waits any more).

    :param changed: whether the look showed the video otherwise than it was known.
    """

    id: str
    state: VideoState
    looked_at: float
    last_look: str
    next_at: float | None
    changed: bool = True


class SameVideo(NamedTuple):
    """What a look writes that observed a video as it was known, and that nobody holds."""

    id: str
    looks: int
    reports: tuple[float, ...]
    next_at: float


async def write(tx: Transaction, looked: Collection[LookedVideo]) -> None:
    """Write the looks of one tick and give their leases up. What showed nothing new is written narrowly."""
    await _WRITE_CHANGED.run(tx, [_shown_by(each) + _looked_at(each) for each in looked if each.changed])
    await _WRITE_UNCHANGED.run(tx, [_looked_at(each) for each in looked if not each.changed])


async def write_same(tx: Transaction, same: Collection[SameVideo], looked_at: float) -> None:
    """Write looks of this moment that observed videos as they were known."""
    rows = [
        (looked_at, "observed", looks, 0, None, _json(reports) if reports else None, next_at, row)
        for row, looks, reports, next_at in same
    ]
    await _WRITE_UNCHANGED.run(tx, rows)


def _writing(*columns: str) -> Prepared:
    """The statement that writes these columns of a video, by its row, and gives its lease up."""
    values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in columns}
    statement = update(videos).values(**values, lease_owner=null(), lease_until=null())
    return Prepared(statement.where(videos.c.id == bindparam("row")), [*(f"v_{name}" for name in columns), "row"])


_SHOWN = ("status", "observation")
_LOOKED = ("looked_at", "last_look", "looks", "missing_count", "missing_since", "reports", "next_at")
_WRITE_CHANGED, _WRITE_UNCHANGED = _writing(*_SHOWN, *_LOOKED), _writing(*_LOOKED)


def _shown_by(looked: LookedVideo) -> tuple[str | None, str | None]:
    video = looked.state.video
    if video is None:
        return None, None
    return None if video.status is None else video.status.value, _json(video.as_dict())


def _looked_at(looked: LookedVideo) -> tuple[Any, ...]:
    state = looked.state
    return (
        looked.looked_at,
        looked.last_look,
        state.looks,
        state.missing_count,
        state.missing_since,
        _json(state.reports) if state.reports else None,
        looked.next_at,
        looked.id,
    )


def _json(value: object) -> str:
    return to_json(value).decode()
