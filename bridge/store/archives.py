"""The archive: which files are to be kept, who fetches them, and where they are. The table is the queue here, too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, func, select, tuple_, update

from bridge.files import Variant
from bridge.models import Video, WatchStatus
from bridge.store.database import Transaction
from bridge.store.dialects import upsert
from bridge.store.tables import archives, videos, watches

LISTED_AT_ONCE = 200
FORGOTTEN_AT_ONCE = 100


class FileStatus(StrEnum):
    """Where a file stands."""

    PENDING = "pending"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A file under our lease. Its result counts only while the fence is still the same.

    :param expires_at: when the provider deletes it, Unix seconds; None when it does not say.
    """

    video: str
    variant: Variant
    provider: str
    video_id: str
    expires_at: float | None
    etag: str | None
    tries: int
    created_at: float
    fence: int

    @property
    def lease(self) -> tuple[str, Variant, int]:
        """Which lease of which file this is."""
        return self.video, self.variant, self.fence


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is kept; ``file`` is its place below the folder of the archive."""

    file: str
    media_type: str


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """What one try to fetch a file writes.

    :param next_at: when to try again; None when it is kept or given up.
    """

    claim: ClaimedFile
    status: FileStatus
    next_at: float | None = None
    reason: str | None = None
    file: str | None = None
    media_type: str | None = None
    size: int | None = None
    etag: str | None = None


async def unlisted(tx: Transaction, since: float) -> list[str]:
    """The videos that were completed since then and whose files are not on the list; at most so many at once."""
    listed = exists().where(archives.c.video == watches.c.video)
    query = (
        select(watches.c.video)
        .where(watches.c.ended_at >= since, watches.c.status == WatchStatus.COMPLETED.value, ~listed)
        .order_by(watches.c.ended_at)
        .limit(LISTED_AT_ONCE)
    )
    return list(dict.fromkeys((await tx.execute(query)).scalars()))


async def want(tx: Transaction, video_rows: Collection[str], now: float) -> None:
    """Put the files of these videos on the list; those that are there already stay as they are."""
    rows = [
        {
            "video": video,
            "variant": variant.value,
            "status": FileStatus.PENDING.value,
            "tries": 0,
            "created_at": now,
            "next_at": now,
            "fence": 0,
        }
        for video in video_rows
        for variant in Variant
    ]
    await upsert(tx, archives, rows, key=("video", "variant"))


async def claim(tx: Transaction, *, limit: int, owner: str, now: float, lease: float) -> list[ClaimedFile]:
    """Lease the files that are due longest."""
    query = (
        select(archives.c.video, archives.c.variant)
        .where(archives.c.next_at <= now)
        .order_by(archives.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [tuple(row) for row in await tx.execute(query)]
    if not due:
        return []
    key = tuple_(archives.c.video, archives.c.variant)
    await tx.execute(
        update(archives)
        .where(key.in_(due))
        .values(lease_owner=owner, lease_until=now + lease, next_at=now + lease, fence=archives.c.fence + 1)
    )
    of_it = select(archives, videos.c.provider, videos.c.video_id, videos.c.observation).join(
        videos, videos.c.id == archives.c.video
    )
    rows = (await tx.execute(of_it.where(key.in_(due)).order_by(archives.c.created_at))).mappings()
    return [
        ClaimedFile(
            video=row["video"],
            variant=Variant(row["variant"]),
            provider=row["provider"],
            video_id=row["video_id"],
            expires_at=None if row["observation"] is None else Video.from_dict(row["observation"]).expires_at,
            etag=row["etag"],
            tries=row["tries"],
            created_at=row["created_at"],
            fence=row["fence"],
        )
        for row in rows
    ]


async def renew(tx: Transaction, claims: Sequence[ClaimedFile], owner: str, until: float) -> None:
    """Hold leases of ours for longer; one that somebody else has by now is left alone."""
    await tx.execute(
        update(archives)
        .where(_row(), archives.c.fence == bindparam("row_fence"), archives.c.lease_owner == owner)
        .values(lease_until=until, next_at=until),
        [_named(each) for each in claims],
    )


async def note_etag(tx: Transaction, claim: ClaimedFile, etag: str | None) -> None:
    """Remember which file is being fetched, so that a successor goes on with it only if it is still the same."""
    await tx.execute(
        update(archives).where(_row(), archives.c.fence == bindparam("row_fence")).values(etag=bindparam("v_etag")),
        [{**_named(claim), "v_etag": etag}],
    )


async def etag_of(tx: Transaction, claim: ClaimedFile) -> str | None:
    """What was noted last of the file that is being fetched."""
    query = select(archives.c.etag).where(archives.c.video == claim.video, archives.c.variant == claim.variant.value)
    return (await tx.execute(query)).scalar_one_or_none()


async def held(tx: Transaction, claims: Sequence[ClaimedFile], owner: str) -> set[tuple[str, Variant, int]]:
    """Those leases that are still ours."""
    leases = {each.lease for each in claims}
    key = tuple_(archives.c.video, archives.c.variant)
    query = (
        select(archives.c.video, archives.c.variant, archives.c.fence)
        .where(key.in_([(video, variant.value) for video, variant, _ in leases]), archives.c.lease_owner == owner)
        .order_by(archives.c.video, archives.c.variant)
        .with_for_update()
    )
    return {(row[0], Variant(row[1]), row[2]) for row in await tx.execute(query)} & leases


async def write(tx: Transaction, fetched: Collection[FetchedFile], now: float) -> None:
    """Write what was fetched, and give the leases up."""
    names = ("status", "next_at", "reason", "file", "media_type", "size", "etag")
    if fetched:
        await tx.execute(
            update(archives)
            .where(_row())
            .values(
                {name: bindparam(f"v_{name}") for name in names}
                | {"tries": archives.c.tries + 1, "lease_owner": None, "lease_until": None}
                | {"kept_at": case((bindparam("v_status") == FileStatus.KEPT.value, now))}
            ),
            [_named(each.claim) | {f"v_{name}": getattr(each, name) for name in names} for each in fetched],
        )


async def release(tx: Transaction, claims: Sequence[ClaimedFile], owner: str, now: float) -> None:
    """Give up leases whose fetching was cut: due again at once."""
    if claims:
        await tx.execute(
            update(archives)
            .where(_row(), archives.c.fence == bindparam("row_fence"), archives.c.lease_owner == owner)
            .values(lease_owner=None, lease_until=None, next_at=now),
            [_named(each) for each in claims],
        )


async def next_due(tx: Transaction) -> float | None:
    """When the next file is due."""
    due: float | None = (await tx.execute(select(func.min(archives.c.next_at)))).scalar_one_or_none()
    return due


async def kept(tx: Transaction, watch_id: str, variant: Variant) -> KeptFile | None:
    """The kept file of a watch's video, None when there is none."""
    query = (
        select(archives.c.file, archives.c.media_type)
        .join(watches, watches.c.video == archives.c.video)
        .where(
            watches.c.id == watch_id,
            archives.c.variant == variant.value,
            archives.c.status == FileStatus.KEPT.value,
        )
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else KeptFile(row[0], row[1])


async def total_size(tx: Transaction) -> int:
    """How many bytes are kept."""
    query = select(func.sum(archives.c.size)).where(archives.c.status == FileStatus.KEPT.value)
    return int((await tx.execute(query)).scalar_one_or_none() or 0)


async def forgotten(tx: Transaction) -> list[tuple[str, Variant, str | None]]:
    """Files whose video is purged: row of the video, variant, and place below the folder; some of them."""
    query = (
        select(archives.c.video, archives.c.variant, archives.c.file)
        .where(~exists().where(videos.c.id == archives.c.video))
        .limit(FORGOTTEN_AT_ONCE)
    )
    return [(row[0], Variant(row[1]), row[2]) for row in await tx.execute(query)]


async def forget(tx: Transaction, gone: Sequence[tuple[str, Variant, str | None]]) -> None:
    """Delete the rows of files that were deleted."""
    if gone:
        await tx.execute(
            delete(archives).where(_row()),
            [{"row_video": video, "row_variant": variant.value} for video, variant, _ in gone],
        )


def _row() -> ColumnElement[bool]:
    return and_(archives.c.video == bindparam("row_video"), archives.c.variant == bindparam("row_variant"))


def _named(claim: ClaimedFile) -> dict[str, object]:
    return {"row_video": claim.video, "row_variant": claim.variant.value, "row_fence": claim.fence}
