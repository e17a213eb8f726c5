"""Where a watch's video and its picture can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.files import Variant
from bridge.models import WatchView


class MediaPaths(Protocol):
    """What is asked of :class:`bridge.media.MediaDesk`."""

    async def paths(self, watch: WatchView, /) -> Mapping[Variant, str]:
        """Where, on this server, the files of a watch's video can be seen now."""
        ...


@dataclass(frozen=True, slots=True)
class MediaLinks:
    """Links below this server's root: the policy of the pages allows no other host."""

    content: str
    thumbnail: str | None


async def media_links(media: MediaPaths, watch: WatchView) -> MediaLinks | None:
    """The links of a watch whose video is there to be seen; None when there is nothing to show."""
    paths = await media.paths(watch)
    content = paths.get(Variant.VIDEO)
    return None if content is None else MediaLinks(content, paths.get(Variant.THUMBNAIL))
