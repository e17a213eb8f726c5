"""What people open: links in notifications, and the archive of finished files behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.errors import ConfigurationError
from bridge.files import Variant
from bridge.media import Library, Limits, MediaLinks
from bridge.models import EventType
from bridge.rendering import Links
from bridge.settings import Settings

_MIB = 2**20


def links_of(media: MediaLinks, public_url: str | None) -> Callable[[str, EventType, float], Links]:
    """Where people find a watch, and once its video is there, the files of that."""

    def of(watch_id: str, event_type: EventType, event_at: float) -> Links:
        watch = None if public_url is None else f"{public_url}/watches/{watch_id}"
        if event_type is not EventType.VIDEO_COMPLETED:
            return Links(watch)
        video, thumbnail = (media.link(watch_id, variant, event_at) for variant in Variant)
        return Links(watch, video, thumbnail)

    return of


def open_library(folder: Path) -> Library:
    """The folder of the archive, made and tried out.

    :raises ConfigurationError: nothing can be written there.
    """
    library = Library(folder)
    try:
        library.open()
    except OSError as error:
        raise ConfigurationError(f"BRIDGE_ARCHIVE_DIR: cannot write to {folder}: {error.strerror}.") from error
    return library


def limits_of(settings: Settings) -> Limits:
    """What the archive may take; the settings are in MiB."""
    total = settings.archive_max_total
    return Limits(
        file=int(settings.archive_max_file * _MIB),
        total=None if total is None else int(total * _MIB),
        free=int(settings.archive_keep_free * _MIB),
    )
