"""Fetching one file of a provider to the disk, going on where an earlier try was cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bridge.errors import EgressError, FileUnavailableError, NoFile
from bridge.files import Content
from bridge.media.finding import Source
from bridge.media.library import Library, PartWriter
from bridge.store.archives import ClaimedFile

_BLOCK = 2**20


class NotKept(StrEnum):
    """Why a file is not kept, beside the reasons it cannot be had."""

    TOO_LARGE = "too_large"
    NO_SPACE = "no_space"
    BROKE_OFF = "broke_off"
    DISK = "disk"


class NotKeptError(Exception):
    """A file could be had and was not kept."""

    def __init__(self, why: NotKept, detail: str = "") -> None:
        super().__init__(detail or why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Limits:
    """What the archive may take, bytes.

    :param file: the largest file. :param total: all files together, None without a limit.
    :param free: what is left free on the disk.
    """

    file: int
    total: int | None
    free: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that lies whole in its part."""

    part: Path
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Archive:
    """Where files come from and where they are kept.

    :param sources: the providers' files, by provider.
    """

    sources: Mapping[str, Source]
    library: Library
    limits: Limits


class Fetcher:
    """Fetches files.

    :param room: how many bytes may still be kept by the limit of all files together.
    :param note: told the mark of the file that is being fetched, before its first byte is written.
    """

    def __init__(
        self,
        archive: Archive,
        room: Callable[[], Awaitable[int | None]],
        note: Callable[[ClaimedFile, str | None], Awaitable[None]],
    ) -> None:
        self._sources = archive.sources
        self._library = archive.library
        self._limits = archive.limits
        self._room = room
        self._note = note

    async def fetch(self, claim: ClaimedFile) -> Fetched:
        """Fetch one file into its part.

        :raises FileUnavailableError: it cannot be had; :raises NotKeptError: it is not kept all the same.
        """
        source = self._sources.get(claim.provider)
        if source is None:
            raise FileUnavailableError(NoFile.REFUSED, "the provider is not configured")
        try:
            part, at = await asyncio.to_thread(self._library.begin, claim)
            asked = {"range": f"bytes={at}-", "if-range": claim.etag} if at and claim.etag else {}
            async with source.open(claim.video_id, claim.variant, asked) as content:
                at = _begin_at(content, at if asked else 0)
                if content.status == 416:
                    return Fetched(part, content.media_type, at)
                await self._check(content, at)
                size = await self._copy(claim, content, part, at)
        except OSError as error:
            raise NotKeptError(NotKept.DISK, error.strerror or str(error)) from error
        except EgressError as error:
            raise NotKeptError(NotKept.BROKE_OFF, str(error)) from error
        return Fetched(part, content.media_type, size)

    async def _check(self, content: Content, at: int) -> None:
        """Whether it is within the limits, as far as its length is known.

        :raises NotKeptError: it is not.
        """
        coming = content.length or 0
        if at + coming > self._limits.file:
            raise NotKeptError(NotKept.TOO_LARGE, f"{at + coming} bytes")
        room = await self._room()
        free = await asyncio.to_thread(self._library.free) - self._limits.free
        if coming > free or free <= 0 or (room is not None and at + coming > room):
            raise NotKeptError(NotKept.NO_SPACE, f"{coming} bytes, {free} free")

    async def _copy(self, claim: ClaimedFile, content: Content, part: Path, at: int) -> int:
        """Write what comes; the size of the whole file.

        :raises NotKeptError: there is more of it than may be kept, or less than was announced.
        """
        writer = PartWriter(part, at)
        size = at
        expected = None if content.length is None else at + content.length
        waiting = bytearray()  # what no thread was given yet: one that is left behind goes on writing
        try:
            await asyncio.to_thread(writer.open)
            if content.status == 200:  # the part is empty by now: what is noted is true of all that it will hold
                await self._note(claim, _mark(content))
            async for chunk in content.chunks:
                size += len(chunk)
                if size > self._limits.file:
                    raise NotKeptError(NotKept.TOO_LARGE, f"more than {self._limits.file} bytes")
                waiting += chunk
                if len(waiting) >= _BLOCK:
                    block, waiting = waiting, bytearray()
                    await asyncio.to_thread(writer.write, block)
            if size == 0 or (expected is not None and size != expected):
                raise NotKeptError(NotKept.BROKE_OFF, f"{size} of {expected} bytes")
            rest, waiting = waiting, bytearray()
            await asyncio.to_thread(writer.finish, rest)
        finally:
            await writer.aclose(waiting)
        return size


def _begin_at(content: Content, at: int) -> int:
    """Where in the file the answer begins.

    :raises NotKeptError: it is not what was asked for.
    """
    if content.status == 200:
        return 0
    said = content.headers.get("content-range", "")
    if content.status == 206 and said.startswith(f"bytes {at}-"):
        return at
    if content.status == 416 and at and said == f"bytes */{at}":
        return at  # all of it was there
    raise NotKeptError(NotKept.BROKE_OFF, f"HTTP {content.status} with {said[:80]!r}")


def _mark(content: Content) -> str | None:
    """What tells this file from another one of the same name; a weak ETag does not (RFC 9110, section 13.1.5)."""
    etag = content.headers.get("etag", "")
    return etag[:500] if etag.startswith('"') else content.headers.get("last-modified")
