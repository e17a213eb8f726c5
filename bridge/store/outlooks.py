"""What is planned for the videos of watches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from bridge.states import VideoState
from bridge.store.database import Transaction
from bridge.store.tables import videos, watches
from bridge.store.videos import STATE_COLUMNS, state_of


@dataclass(frozen=True, slots=True)
class PlannedVideo:
    """A video with what is planned for it; ``lease_until`` when somebody is looking at it."""

    provider: str
    state: VideoState
    next_at: float | None
    lease_until: float | None


async def of_watches(tx: Transaction, watch_ids: Collection[str]) -> dict[str, PlannedVideo]:
    """The videos that these watches are about, by the watch."""
    query = (
        select(watches.c.id.label("watch"), videos.c.provider, videos.c.next_at, videos.c.lease_until, *STATE_COLUMNS)
        .join(videos, videos.c.id == watches.c.video)
        .where(watches.c.id.in_(watch_ids), watches.c.status == "watching")
    )
    rows = (await tx.execute(query)).mappings()
    return {
        row["watch"]: PlannedVideo(row["provider"], state_of(row), row["next_at"], row["lease_until"]) for row in rows
    }
