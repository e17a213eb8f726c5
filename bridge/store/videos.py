"""Videos: claimed by a lease, looked at, written back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, bindparam, case, exists, func, insert, or_, select, tuple_, update

from bridge.ids import new_id
from bridge.models import Video
from bridge.states import VideoState
from bridge.store.database import Transaction
from bridge.store.dialects import among, chunks
from bridge.store.prepared import Prepared
from bridge.store.tables import videos, watches

AT_ONCE = 3600.0
"""A look that somebody wants at once was due so long ago: others may be left to a page of a list, seconds."""

STATE_COLUMNS = (
    videos.c.observation,
    videos.c.looks,
    videos.c.missing_count,
    videos.c.missing_since,
    videos.c.deadline,
    videos.c.created_at,
    videos.c.looked_at,
    videos.c.reports,
    videos.c.pushed_at,
)


class ClaimedVideo(NamedTuple):
    """A video under our lease. Its result counts only while the fence is still the same."""

    id: str
    provider: str
    video_id: str
    fence: int
    deadline: float | None


class StoredVideo(NamedTuple):
    """A video row as registration needs it."""

    id: str
    video: Video | None


class NewVideo(NamedTuple):
    """A video as it is first watched, until ``deadline``."""

    id: str
    provider: str
    video_id: str
    created_at: float
    deadline: float


_ADD = Prepared(
    insert(videos).values(looks=0, missing_count=0, fence=0),
    ("id", "provider", "video_id", "created_at", "deadline", "next_at"),
)


_FIND = select(videos.c.video_id, videos.c.id, videos.c.observation).where(
    videos.c.provider == bindparam("v_provider"), among(videos.c.video_id, "v_ids")
)


async def lock(tx: Transaction, wanted: Collection[tuple[str, str]]) -> None:
    """Hold these videos (provider and id), as far as there are rows of them, until the transaction ends.

    Whoever decides by what a video shows holds it first: no look at it is recorded meanwhile.
    """
    if tx.dialect.name != "sqlite" and wanted:
        pair = tuple_(videos.c.provider, videos.c.video_id)
        await tx.execute(select(videos.c.id).where(pair.in_(wanted)).order_by(videos.c.id).with_for_update())


async def lock_of_watch(tx: Transaction, watch_id: str) -> None:
    """Hold the video that a watch is about until the transaction ends."""
    video = select(watches.c.video).where(watches.c.id == watch_id).scalar_subquery()
    await tx.execute(select(videos.c.id).where(videos.c.id == video).with_for_update())


async def find_many(tx: Transaction, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], StoredVideo]:
    """The rows there are of these videos, by provider and id."""
    by_provider: dict[str, list[str]] = defaultdict(list)
    for provider, video_id in wanted:
        by_provider[provider].append(video_id)
    found = {}
    for provider, video_ids in by_provider.items():
        for some in chunks(video_ids):
            for video_id, row_id, observation in await tx.execute(_FIND, {"v_provider": provider, "v_ids": some}):
                found[provider, video_id] = StoredVideo(row_id, _video(observation))
    return found


async def find(tx: Transaction, provider: str, video_id: str) -> StoredVideo | None:
    """The row of a provider's video, if there is one."""
    return (await find_many(tx, [(provider, video_id)])).get((provider, video_id))


async def add(tx: Transaction, provider: str, video_id: str, now: float) -> StoredVideo:
    """A new row that nobody waits for yet; :func:`watch_until` makes it due."""
    row_id = new_id("vid")
    await tx.execute(insert(videos), [_new_values(row_id, provider, video_id, now)])
    return StoredVideo(row_id, None)


async def add_many(tx: Transaction, new: Sequence[NewVideo]) -> None:
    """New rows, each due at once."""
    for some in chunks(new):
        rows = [
            (each.id, each.provider, each.video_id, each.created_at, each.deadline, each.created_at) for each in some
        ]
        await _ADD.run(tx, rows)


async def watch_until(tx: Transaction, row_id: str, deadline: float, now: float) -> None:
    """Somebody waits for this video until ``deadline``; see :func:`watch_many_until`."""
    await watch_many_until(tx, {row_id: deadline}, now)


async def watch_many_until(tx: Transaction, deadlines: Mapping[str, float], now: float) -> None:
    """Somebody waits for each of these videos (by row) until its deadline.

    If nobody did before, the watching begins anew: due now, with a clean count. A look under way is not disturbed; it
    reads the new deadline when it is written back.
    """
    if not deadlines:
        return
    idle = videos.c.next_at.is_(None)
    deadline: Any = bindparam("v_deadline", type_=videos.c.deadline.type)
    sooner = case((videos.c.next_at > deadline, deadline), else_=videos.c.next_at)
    await tx.execute(
        update(videos)
        .where(videos.c.id == bindparam("row"))
        .values(
            deadline=case(
                (or_(idle, videos.c.deadline.is_(None), videos.c.deadline > deadline), deadline),
                else_=videos.c.deadline,
            ),
            looks=case((idle, 0), else_=videos.c.looks),
            missing_count=case((idle, 0), else_=videos.c.missing_count),
            missing_since=case((idle, None), else_=videos.c.missing_since),
            pushed_at=case((idle, None), else_=videos.c.pushed_at),
            next_at=case((idle, now), (videos.c.lease_owner.is_(None), sooner), else_=videos.c.next_at),
        ),
        [{"row": row_id, "v_deadline": until} for row_id, until in sorted(deadlines.items())],
    )


async def hasten(tx: Transaction, provider: str, video_id: str, now: float) -> bool:
    """Somebody says that this video has ended: it is due now. Whether anybody waits for it.

    A look that is under way is not disturbed: it may have begun too soon, so the next one follows soon after it is
    written back (``pushed_at`` tells pacing so), or when its lease would have ended.
    """
    result = await tx.execute(
        update(videos)
        .where(videos.c.provider == provider, videos.c.video_id == video_id, videos.c.next_at.is_not(None))
        .values(
            next_at=case((videos.c.lease_owner.is_(None), now - AT_ONCE), else_=videos.c.next_at),
            pushed_at=func.coalesce(videos.c.pushed_at, now),
        )
    )
    return result.rowcount > 0


async def claim(
    tx: Transaction,
    provider: str,
    *,
    limit: int,
    owner: str,
    now: float,
    lease: float,
    known_first: bool = False,
    due_by: float | None = None,
) -> list[ClaimedVideo]:
    """Lease the videos of one provider that are due longest. The due time moves to the end of the lease.

    :param due_by: only those that were due by then; by now unless it is given.
    :param known_first: those that the provider did not miss at their last look go before the others.
    """
    by = now if due_by is None else due_by
    due: list[str] = []
    if known_first:
        due += await _due(tx, provider, by, limit, videos.c.last_look.is_distinct_from("missing"))
    if len(due) < limit:
        due += await _due(tx, provider, by, limit - len(due), *([videos.c.id.not_in(due)] if due else []))
    leased = await tx.execute(
        update(videos)
        .where(videos.c.id.in_(due))
        .values(lease_owner=owner, lease_until=now + lease, next_at=now + lease, fence=videos.c.fence + 1)
        .returning(videos.c.id, videos.c.provider, videos.c.video_id, videos.c.fence, videos.c.deadline)
    )
    return sorted((ClaimedVideo(*row) for row in leased), key=lambda claimed: due.index(claimed.id))


async def _due(tx: Transaction, provider: str, now: float, limit: int, *which: ColumnElement[bool]) -> Sequence[str]:
    query = (
        select(videos.c.id)
        .where(videos.c.provider == provider, videos.c.next_at <= now, *which)
        .order_by(videos.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await tx.execute(query)).scalars().all()


async def renew(tx: Transaction, claims: Sequence[ClaimedVideo], owner: str, until: float) -> None:
    """Hold leases of ours for longer; one that somebody else has by now is left alone."""
    await tx.execute(
        update(videos)
        .where(videos.c.id == bindparam("row"), videos.c.fence == bindparam("row_fence"), videos.c.lease_owner == owner)
        .values(lease_until=until, next_at=until),
        [{"row": each.id, "row_fence": each.fence} for each in claims],
    )


async def under_way(tx: Transaction, provider: str, now: float) -> bool:
    """Whether somebody is looking at a video of this provider."""
    leased = exists().where(
        videos.c.provider == provider, videos.c.lease_owner.is_not(None), videos.c.lease_until > now
    )
    return bool((await tx.execute(select(leased))).scalar_one())


async def held(tx: Transaction, claims: Sequence[ClaimedVideo], owner: str) -> dict[str, VideoState]:
    """The present state of those claimed videos whose lease is still ours; a late owner gets nothing.

    Of several leases of one video the latest counts.
    """
    fences = {claim.id: claim.fence for claim in sorted(claims, key=lambda each: each.fence)}
    query = (
        select(videos.c.id, videos.c.fence, *STATE_COLUMNS)
        .where(videos.c.id.in_(fences), videos.c.lease_owner == owner)
        .order_by(videos.c.id)
        .with_for_update()
    )
    rows = (await tx.execute(query)).mappings()
    return {row["id"]: state_of(row) for row in rows if fences[row["id"]] == row["fence"]}


async def release(tx: Transaction, claims: Sequence[ClaimedVideo], owner: str, now: float) -> None:
    """Give up leases whose look was cut: due again at once."""
    if claims:
        await tx.execute(
            update(videos)
            .where(
                videos.c.id == bindparam("row"),
                videos.c.fence == bindparam("row_fence"),
                videos.c.lease_owner == owner,
            )
            .values(lease_owner=None, lease_until=None, next_at=now),
            [{"row": each.id, "row_fence": each.fence} for each in claims],
        )


async def release_all(tx: Transaction, now: float) -> int:
    """Give up every lease: for a process that knows it is alone. Returns how many there were."""
    result = await tx.execute(
        update(videos)
        .where(videos.c.lease_owner.is_not(None), videos.c.next_at.is_not(None))
        .values(lease_owner=None, lease_until=None, next_at=now)
    )
    return result.rowcount


async def settle(tx: Transaction, row_ids: Collection[str]) -> None:
    """Work out anew until when these videos are waited for, after watches ended: nobody left means not due."""
    if not row_ids:
        return
    waiting = (
        select(func.min(watches.c.expires_at))
        .where(watches.c.video == videos.c.id, watches.c.status == "watching")
        .scalar_subquery()
    )
    await tx.execute(update(videos).where(videos.c.id.in_(row_ids)).values(deadline=waiting))
    await tx.execute(
        update(videos)
        .where(videos.c.id.in_(row_ids), videos.c.deadline.is_(None))
        .values(next_at=None, lease_owner=None, lease_until=None)
    )


async def next_due(tx: Transaction, providers: Collection[str]) -> float | None:
    """When the next video of these providers is due."""
    found = []
    for name in providers:  # one by one each is the first entry of an index; together they would all be read
        query = select(func.min(videos.c.next_at)).where(videos.c.provider == name, videos.c.next_at.is_not(None))
        found.append((await tx.execute(query)).scalar_one_or_none())
    return min((due for due in found if due is not None), default=None)


async def looked_since(tx: Transaction, provider: str, since: float) -> tuple[int, int]:
    """How many different videos were missing at their latest look since then, and how many were looked at."""
    missing = func.sum(case((videos.c.last_look == "missing", 1), else_=0))
    query = select(missing, func.count()).where(videos.c.provider == provider, videos.c.looked_at >= since)
    row = (await tx.execute(query)).one()
    return int(row[0] or 0), int(row[1])


async def in_flight(tx: Transaction) -> dict[str, int]:
    """How many videos are waited for, by provider."""
    query = select(videos.c.provider, func.count()).where(videos.c.next_at.is_not(None)).group_by(videos.c.provider)
    return {row[0]: row[1] for row in await tx.execute(query)}


def _new_values(row_id: str, provider: str, video_id: str, now: float) -> dict[str, Any]:
    return {
        "id": row_id,
        "provider": provider,
        "video_id": video_id,
        "created_at": now,
        "looks": 0,
        "missing_count": 0,
        "fence": 0,
    }


def state_of(row: RowMapping) -> VideoState:
    """The state in a row that has the :data:`STATE_COLUMNS`."""
    return VideoState(
        video=_video(row["observation"]),
        looks=row["looks"],
        missing_count=row["missing_count"],
        missing_since=row["missing_since"],
        deadline=row["deadline"],
        registered_at=row["created_at"],
        looked_at=row["looked_at"],
        reports=tuple(row["reports"] or ()),
        pushed_at=row["pushed_at"],
    )


def _video(observation: Mapping[str, Any] | None) -> Video | None:
    return None if observation is None else Video.from_dict(observation)
