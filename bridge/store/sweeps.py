"""Observing many videos at once: the rows that a page of a provider's list may be about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, select, update

from bridge.models import Video
from bridge.states import VideoState
from bridge.store.database import Transaction
from bridge.store.dialects import among
from bridge.store.tables import videos
from bridge.store.videos import ClaimedVideo


class WaitedVideo(NamedTuple):
    """A video that somebody waits for, as it is known. Times are Unix seconds.

    :param observation: the Video object as last observed; None before the first observation.
    :param lease_until: until when somebody may be looking at it; None when nobody is.
    :param registered_at: when it was first watched; :param reports: what pacing keeps of its progress.
    :param pushed_at: when its provider told us unasked that it ended.
    """

    id: str
    video_id: str
    fence: int
    observation: Mapping[str, Any] | None
    looks: int
    missing_count: int
    missing_since: float | None
    deadline: float | None
    looked_at: float | None
    next_at: float
    lease_until: float | None
    registered_at: float
    reports: Sequence[float] | None = None
    pushed_at: float | None = None

    def video(self) -> Video | None:
        """The Video object as last observed."""
        return None if self.observation is None else Video.from_dict(self.observation)

    def state(self, video: Video | None) -> VideoState:
        """What is known of it, as the deciding modules take it.

        :param video: as :meth:`video` has it, which is read only once.
        """
        return VideoState(
            video,
            self.looks,
            self.missing_count,
            self.missing_since,
            self.deadline,
            self.registered_at,
            self.looked_at,
            tuple(self.reports or ()),
            self.pushed_at,
        )

    def claimed(self, provider: str) -> ClaimedVideo:
        """The row as if it were claimed, for whoever holds it in a transaction."""
        return ClaimedVideo(self.id, provider, self.video_id, self.fence, self.deadline)


_COLUMNS = (
    videos.c.id,
    videos.c.video_id,
    videos.c.fence,
    videos.c.observation,
    videos.c.looks,
    videos.c.missing_count,
    videos.c.missing_since,
    videos.c.deadline,
    videos.c.looked_at,
    videos.c.next_at,
    videos.c.lease_until,
    videos.c.created_at,
    videos.c.reports,
    videos.c.pushed_at,
)


_WAITED = (
    select(*_COLUMNS)
    .where(videos.c.provider == bindparam("of"), among(videos.c.video_id, "ids"), videos.c.next_at.is_not(None))
    .with_for_update()
)
# All lock in one order; there is only one writer on SQLite.
_WAITED_IN_ORDER = _WAITED.order_by(videos.c.id)


async def waited(tx: Transaction, provider: str, video_ids: Collection[str]) -> list[WaitedVideo]:
    """Those of a provider's videos that somebody waits for, held until the transaction ends."""
    query = _WAITED if tx.dialect.name == "sqlite" else _WAITED_IN_ORDER
    rows = await tx.execute(query, {"of": provider, "ids": sorted(video_ids)})
    return [WaitedVideo._make(row) for row in rows.all()]  # at once is half of what one by one takes


async def look_at_once(tx: Transaction, row_ids: Collection[str], at: float) -> None:
    """Make videos due whose row of a list is to be confirmed; a look that is under way is not disturbed.

    :param at: a moment so long ago that they go before those that wait for a page.
    """
    await tx.execute(
        update(videos)
        .where(videos.c.id.in_(row_ids), videos.c.next_at.is_not(None))
        .values(next_at=case((videos.c.lease_owner.is_(None), at), else_=videos.c.next_at))
    )


async def due_moments(tx: Transaction, providers: Sequence[str], number: int) -> dict[str, float]:
    """From when on so many videos of a provider are due, where it has so many."""
    found: dict[str, float] = {}
    for name in providers:  # one by one each is the beginning of an index
        query = (
            select(videos.c.next_at)
            .where(videos.c.provider == name, videos.c.next_at.is_not(None))
            .order_by(videos.c.next_at)
            .offset(number - 1)
            .limit(1)
        )
        moment = (await tx.execute(query)).scalar_one_or_none()
        if moment is not None:
            found[name] = moment
    return found
