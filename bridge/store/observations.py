"""Observations: what each look learned of a video, the latest of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from bridge.models import VideoStatus
from bridge.store.database import Transaction
from bridge.store.dialects import upsert
from bridge.store.tables import observations, watches

KEPT = 200
"""So many observations of one video are kept, the latest; a render that reports every percent makes about a hundred."""

# Rows of one statement: PostgreSQL takes 32,767 parameters.
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Observation:
    """A look that changed what is known of a video.

    :param video_row: the row of the video.
    :param look: ``observed``, or ``missing`` when the provider began not to know it.
    """

    video_row: str
    at: float
    look: str
    status: VideoStatus | None
    progress: int | None


async def add(tx: Transaction, made: Sequence[Observation]) -> None:
    """Keep observations. Two of one video at the same moment are one, the later."""
    rows = [
        {
            "video": each.video_row,
            "at": each.at,
            "look": each.look,
            "status": each.status and each.status.value,
            "progress": each.progress,
        }
        for each in made
    ]
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        await upsert(tx, observations, batch, key=("video", "at"), update=("look", "status", "progress"))


async def trim(tx: Transaction, video_rows: Collection[str]) -> None:
    """Forget all but the latest observations of videos that may have very many."""
    for row in video_rows:
        latest = (
            select(observations.c.at)
            .where(observations.c.video == row)
            .order_by(observations.c.at.desc())
            .limit(KEPT)
            .subquery()
        )
        oldest_kept = select(func.min(latest.c.at)).scalar_subquery()
        await tx.execute(delete(observations).where(observations.c.video == row, observations.c.at < oldest_kept))


async def of_watch(tx: Transaction, watch_id: str) -> list[Observation]:
    """The observations of the video that a watch is about, the oldest first."""
    video = select(watches.c.video).where(watches.c.id == watch_id).scalar_subquery()
    query = select(observations).where(observations.c.video == video).order_by(observations.c.at)
    return [
        Observation(row.video, row.at, row.look, row.status and VideoStatus(row.status), row.progress)
        for row in await tx.execute(query)
    ]
