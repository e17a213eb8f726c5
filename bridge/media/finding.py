"""From the token of a link to the file behind it: the archive's, else the provider's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from bridge.clock import Clock
from bridge.errors import FileUnavailableError, NoFile
from bridge.files import Content, FoundFile, Variant
from bridge.media.links import PATH, MediaLinks
from bridge.models import VideoStatus, WatchView
from bridge.store import archives, watches
from bridge.store.database import Database

MOST_AT_ONCE = 64
"""So many files of providers are passed on at once."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Source(Protocol):
    """What is asked of :class:`bridge.providers.content.ContentSource`."""

    def open(
        self, video_id: str, variant: Variant, part: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Content]:
        """The file for as long as the block lasts."""
        ...


class MediaDesk:
    """Finds and opens the files that links lead to.

    :param sources: the providers' files, by provider.
    :param archive: the folder of the archive, None when there is none.
    :param clock: by which links and files expire.
    """

    def __init__(
        self,
        database: Database,
        links: MediaLinks,
        sources: Mapping[str, Source],
        *,
        archive: Path | None,
        clock: Clock,
    ) -> None:
        self._database = database
        self._links = links
        self._sources = sources
        self._archive = archive
        self._clock = clock
        self._open = 0

    async def find(self, token: str) -> FoundFile:
        """The file of a link.

        :raises FileUnavailableError: the link is not genuine or too old, or the file is gone.
        """
        read = self._links.read(token)
        if read is None:
            raise FileUnavailableError(NoFile.UNKNOWN)
        now = self._clock.now()
        if read.until <= now:
            raise FileUnavailableError(NoFile.EXPIRED, "the link", watch_id=read.watch_id)
        async with self._database.read() as tx:
            watch = await watches.get(tx, read.watch_id)
            kept = await archives.kept(tx, read.watch_id, read.variant)
        if watch is None or watch.video is None:
            raise FileUnavailableError(NoFile.EXPIRED, "the watch was forgotten")
        name = _UNSAFE.sub("_", watch.video_id).strip("._")[:100] or "video"
        found = FoundFile(watch.id, watch.provider, watch.video_id, read.variant, name)
        if kept is not None and self._archive is not None:
            path = self._archive / kept.file
            if path.is_file():
                return replace(found, path=path, media_type=kept.media_type)
        if watch.video.status is not VideoStatus.COMPLETED:
            raise FileUnavailableError(NoFile.MISSING, watch_id=watch.id)
        if watch.video.expires_at is not None and watch.video.expires_at <= now:
            raise FileUnavailableError(NoFile.EXPIRED, "the provider's file", watch_id=watch.id)
        return found

    async def paths(self, watch: WatchView) -> dict[Variant, str]:
        """Where, on this server, the files of a watch's video can be seen now; those that are gone are left out."""
        if watch.video is None or watch.video.status is not VideoStatus.COMPLETED:
            return {}
        now = self._clock.now()
        expired = watch.video.expires_at is not None and watch.video.expires_at <= now
        found = {}
        async with self._database.read() as tx:
            for variant in Variant:
                kept = self._archive is not None and await archives.kept(tx, watch.id, variant) is not None
                if kept or (not expired and watch.provider in self._sources):
                    found[variant] = PATH + self._links.token(watch.id, variant, now)
        return found

    @asynccontextmanager
    async def open(self, found: FoundFile, part: Mapping[str, str]) -> AsyncIterator[Content]:
        """A provider's file, as it comes, for as long as the block lasts.

        :raises FileUnavailableError: it cannot be had.
        """
        source = self._sources.get(found.provider)
        if source is None:
            raise FileUnavailableError(NoFile.MISSING, "the provider is not configured", watch_id=found.watch_id)
        if self._open >= MOST_AT_ONCE:
            raise FileUnavailableError(NoFile.BUSY, watch_id=found.watch_id)
        self._open += 1
        try:
            async with source.open(found.video_id, found.variant, part) as content:
                yield content
        except FileUnavailableError as error:
            raise FileUnavailableError(error.why, error.detail, watch_id=found.watch_id) from error
        finally:
            self._open -= 1
