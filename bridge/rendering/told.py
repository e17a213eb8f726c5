"""What a message can say, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.models import EventType, Video

MAX_TEXT = 65_536
"""Most characters of one text that are handed to a template; what a slot has room for is less."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where people find a watch and the files of its video; None what is nowhere."""

    watch: str | None = None
    content: str | None = None
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event with everything a template may name.

    :param watch_url: the page of the watch, None when no public URL is configured.
    :param content_url: where the video itself can be had, None when nowhere.
    :param thumbnail_url: where a picture of it can be had, None when nowhere.
    """

    event_id: str
    event_type: EventType
    created_at: float
    video: Video
    watch_id: str
    watch_created_at: float
    provider: str
    metadata: Mapping[str, str]
    watch_url: str | None = None
    content_url: str | None = None
    thumbnail_url: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The variables of a template as plain data: dicts, strings, integers and None."""
        links = {"watch": self.watch_url, "content": self.content_url, "thumbnail": self.thumbnail_url}
        return {
            "event": {"id": self.event_id, "type": self.event_type.value, "created_at": int(self.created_at)},
            "video": _capped(self.video.as_dict()),
            "watch": {
                "id": self.watch_id,
                "metadata": dict(self.metadata),
                "created_at": int(self.watch_created_at),
                "url": self.watch_url,
            },
            "provider": self.provider,
            "links": links if any(links.values()) else None,
        }


def _capped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _capped(each) for name, each in value.items()}
    return value[:MAX_TEXT] if isinstance(value, str) else value
