"""Where a watch's video and its picture can be seen."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.models import WatchView


@dataclass(frozen=True, slots=True)
class MediaLinks:
    """Links below this server's root, or whole URLs of it; the policy of the pages allows no other host."""

    content: str
    thumbnail: str | None


def media_links(watch: WatchView) -> MediaLinks | None:
    """The links of a watch whose video is there to be seen; None when there is nothing to show."""
    return None
