"""The files of finished videos, as values: which there are, one on its way, one that was found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Variant(StrEnum):
    """A file of a video, in the words of ``GET /videos/{id}/content?variant=``."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True, slots=True)
class Content:
    """A file of a provider's, or a part of one, on its way.

    :param status: 200, or 206 and 416 where a part was asked for.
    :param headers: those of the provider's that say something about the file.
    :param chunks: its bytes as they come; :class:`bridge.errors.EgressError` is raised where they break off.
    """

    status: int
    media_type: str
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes] = field(repr=False)

    @property
    def length(self) -> int | None:
        """How many bytes are to come, None when the provider does not say."""
        said = self.headers.get("content-length", "")
        return int(said) if said.isdecimal() and len(said) < 19 else None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The file a link leads to.

    :param name: what it is called where it is saved, without a suffix.
    :param path: where the archive has it, None when it is still the provider's.
    :param media_type: what it is, None when only the provider knows.
    """

    watch_id: str
    provider: str
    video_id: str
    variant: Variant
    name: str
    path: Path | None = None
    media_type: str | None = None


SUFFIXES: Mapping[str, str] = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "image/webp": ".webp",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
}
"""How the names of files end, by their type; others end with ``.bin``."""


def suffix_of(media_type: str) -> str:
    """How the name of a file of this type ends."""
    return SUFFIXES.get(media_type, ".bin")
