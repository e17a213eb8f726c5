"""The loop that keeps finished files beyond the provider's hour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.clock import Clock
from bridge.errors import FileUnavailableError, NoFile
from bridge.files import Variant
from bridge.ids import new_id
from bridge.loops import Bell, Loop
from bridge.media.fetching import Archive, Fetched, Fetcher, NotKept, NotKeptError
from bridge.metrics import Metrics
from bridge.store import archives
from bridge.store.archives import ClaimedFile, FetchedFile, FileStatus
from bridge.store.database import Database

AT_ONCE = 4
"""So many files are fetched at once."""

LEASE = 60.0
RENEW_EVERY = 15.0
LOOK_BACK = 86_400.0
"""How far back a start looks for videos that ended while nobody kept their files, seconds."""

# A watch that ended may be committed this much later than its time says, seconds.
_COMMIT_SLACK = 60.0
_HOUSEKEEPING = 60.0
_FIRST_DELAY, _LONGEST_DELAY = 10.0, 600.0
# For how long a file is tried for when the provider does not say when it deletes it, seconds.
_PATIENCE = 86_400.0
# A server may announce the end before the file is there; one without thumbnails has none later either.
_MISSING_TRIES = {Variant.VIDEO: 5, Variant.THUMBNAIL: 2}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of fetching one file: all of it, or why not."""

    claim: ClaimedFile
    fetched: Fetched | None = None
    why: NoFile | NotKept | None = None
    detail: str = ""


class Archiver(Loop[ClaimedFile, Outcome]):
    """Puts the files of completed videos on its list, fetches them, and deletes those of videos that were purged.

    Rings of ``bell`` say that watches ended.
    """

    name = "archiver"

    def __init__(
        self,
        database: Database,
        archive: Archive,
        *,
        clock: Clock,
        bell: Bell,
        metrics: Metrics,
    ) -> None:
        super().__init__(clock, bell)
        self._database = database
        self._library = archive.library
        self._limits = archive.limits
        self._fetcher = Fetcher(archive, self._room, self._note)
        self._metrics = metrics
        self._owner = new_id("archiver")
        self._since = database.now() - LOOK_BACK
        self._housekeeping_at = self._renewed_at = 0.0

    async def claim(self) -> Sequence[ClaimedFile]:
        """Lease due files, as many as there is room for."""
        now = self._database.now()
        await self._list(now)
        await self._keep_house(now)
        await self._renew(now)
        room = AT_ONCE - len(self.in_flight)
        due = await self.next_due()
        if not room or due is None or due > now:
            return []
        async with self._database.write() as tx:
            return await archives.claim(tx, limit=room, owner=self._owner, now=self._database.now(), lease=LEASE)

    async def work(self, item: ClaimedFile) -> Outcome:
        """Fetch one file to the disk."""
        try:
            return Outcome(item, await self._fetcher.fetch(item))
        except (FileUnavailableError, NotKeptError) as error:
            return Outcome(item, why=error.why, detail=str(error))

    async def record(self, results: Sequence[Outcome]) -> None:
        """Move what is whole to its place and write down what became of each. A late owner's changes nothing."""
        async with self._database.write() as tx:
            ours = await archives.held(tx, [each.claim for each in results], self._owner)
        now, moved = self._database.now(), self._database.clock.moved
        written = [await self._settled(each, now) for each in results if each.claim.lease in ours]
        async with self._database.write() as tx:
            held = await archives.held(tx, [each.claim for each in written], self._owner)
            by = self._database.clock.moved - moved
            kept = [_later(each, by) for each in written if each.claim.lease in held]
            await archives.write(tx, kept, now + by)
        for each in written:
            self._report(each)

    async def release(self, items: Sequence[ClaimedFile]) -> None:
        """Make files due again whose fetching was cut; the next one goes on with what is there."""
        async with self._database.write() as tx:
            await archives.release(tx, items, self._owner, self._database.now())

    async def next_due(self) -> float | None:
        """When the next file is due; None while there is no room, a result will wake the loop."""
        if len(self.in_flight) >= AT_ONCE:
            return None
        async with self._database.read() as tx:
            return await archives.next_due(tx)

    async def _list(self, now: float) -> None:
        """Put the files of videos that ended since the last turn on the list."""
        async with self._database.read() as tx:
            found = await archives.unlisted(tx, self._since)
        if not found:  # otherwise there may be more
            self._since = now - _COMMIT_SLACK  # also when the clock was set back
            return
        async with self._database.write() as tx:
            await archives.want(tx, found, now)

    async def _keep_house(self, now: float) -> None:
        """Once a minute: delete files whose video is purged, the file first, so that none is left behind."""
        if abs(now - self._housekeeping_at) < _HOUSEKEEPING:
            return
        async with self._database.read() as tx:
            gone = await archives.forgotten(tx)
        deleted = []
        for each in gone:
            try:
                if each[2] is not None:
                    await asyncio.to_thread(self._library.delete, each[2])
                deleted.append(each)
            except OSError as error:
                self._log.warning("archive_file_not_deleted", file=each[2], error=str(error))
        if deleted:
            async with self._database.write() as tx:
                await archives.forget(tx, deleted)
        if len(gone) < archives.FORGOTTEN_AT_ONCE or len(deleted) < len(gone):
            self._housekeeping_at = now

    async def _renew(self, now: float) -> None:
        """Keep the leases of large files."""
        if self.in_flight and abs(now - self._renewed_at) >= RENEW_EVERY:
            async with self._database.write() as tx:
                await archives.renew(tx, self.in_flight, self._owner, self._database.now() + LEASE)
            self._renewed_at = now

    async def _room(self) -> int | None:
        if self._limits.total is None:
            return None
        async with self._database.read() as tx:
            return self._limits.total - await archives.total_size(tx)

    async def _note(self, claim: ClaimedFile, etag: str | None) -> None:
        async with self._database.write() as tx:
            await archives.note_etag(tx, claim, etag)

    async def _settled(self, outcome: Outcome, now: float) -> FetchedFile:
        claim, fetched = outcome.claim, outcome.fetched
        if fetched is None:
            return await self._put_off(claim, outcome.why or NotKept.BROKE_OFF, now)
        try:
            file = await asyncio.to_thread(self._library.keep, claim, fetched.part, fetched.media_type, now)
        except OSError as error:
            self._log.warning("archive_not_written", file=str(fetched.part), error=str(error))
            return await self._put_off(claim, NotKept.DISK, now)
        return FetchedFile(
            claim, FileStatus.KEPT, file=file, media_type=fetched.media_type, size=fetched.size, etag=claim.etag
        )

    async def _put_off(self, claim: ClaimedFile, why: NoFile | NotKept, now: float) -> FetchedFile:
        """Try again later, or give up."""
        next_at = again(claim, why, now)
        if next_at is None:
            await asyncio.to_thread(self._library.drop, claim)
            return FetchedFile(claim, FileStatus.FAILED, reason=why.value)
        async with self._database.read() as tx:
            etag = await archives.etag_of(tx, claim)
        return FetchedFile(claim, FileStatus.PENDING, next_at=next_at, reason=why.value, etag=etag)

    def _report(self, written: FetchedFile) -> None:
        self._metrics.archived(written.claim.variant.value, written.status.value, written.size or 0)
        absent = written.claim.variant is Variant.THUMBNAIL and written.reason == NoFile.MISSING.value
        level = self._log.info if written.status is FileStatus.KEPT or absent else self._log.warning
        level(
            "archive",
            video=written.claim.video_id,
            variant=written.claim.variant.value,
            outcome=written.status.value,
            reason=written.reason,
            size=written.size,
            file=written.file,
        )


def _later(fetched: FetchedFile, by: float) -> FetchedFile:
    """The same, where the clock was moved since."""
    return fetched if fetched.next_at is None else replace(fetched, next_at=fetched.next_at + by)


def again(claim: ClaimedFile, why: NoFile | NotKept, now: float) -> float | None:
    """When to try again for a file that was not to be had, Unix seconds; None: it is given up.

    Waits double from ten seconds to ten minutes, for as long as the provider keeps the file: by its own word, else a
    day.
    """
    if why is NotKept.TOO_LARGE or (why is NoFile.MISSING and claim.tries + 1 >= _MISSING_TRIES[claim.variant]):
        return None
    at = now + min(_FIRST_DELAY * 2.0 ** min(claim.tries, 16), _LONGEST_DELAY)
    end = claim.created_at + _PATIENCE if claim.expires_at is None else claim.expires_at
    return at if at < end else None
