"""What one process knows of a provider's list, beside what stands in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.models import VideoStatus
from bridge.poller.pages import Pages
from bridge.providers.listing import Listing

_MOST_REMEMBERED = 1_000

Value = TypeVar("Value")


@dataclass(slots=True)
class KnownList:
    """What this process knows of one provider's list.

    :param kept: what of it stands in the database.
    :param leased_until: until when it is ours to read; :param others_until: until when it is another replica's.
    :param seconds: how long a page takes, and :param videos: how many of ours it shows, as of late.
    :param doubted: endings that a single look is to confirm, by row.
    :param ended: when single looks have seen videos ended, by id: pages must come to show that.
    :param verified: how many videos were looked at singly to see whether the list is behind; the next one from
        ``verify_from`` on.
    """

    pages: Pages
    listing: Listing = field(default_factory=Listing)
    kept: Listing = field(default_factory=Listing)
    leased_until: float = 0.0
    others_until: float = 0.0
    seconds: float = 0.0
    videos: float = 0.0
    doubted: dict[str, VideoStatus] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    verified: int = 0
    verify_from: float = 0.0
    said: bool = False

    def move(self, by: float) -> None:
        """Keep every wait as long as it was: the clock was set by so many seconds."""
        self.pages.move(by)
        self.ended = {video: at + by for video, at in self.ended.items()}
        self.leased_until, self.others_until = self.leased_until + by, self.others_until + by
        self.verify_from += by


def remember(what: dict[str, Value], more: Mapping[str, Value]) -> None:
    """Keep it, and of all that is kept the latest."""
    what.update(more)
    while len(what) > _MOST_REMEMBERED:
        del what[next(iter(what))]
