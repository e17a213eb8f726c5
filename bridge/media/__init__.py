"""Files for people: links that open without a key, the provider's files behind them, and an archive of those."""

from bridge.media.archiver import Archiver
from bridge.media.fetching import Archive, Limits
from bridge.media.finding import MediaDesk
from bridge.media.library import Library
from bridge.media.links import MediaLinks

__all__ = ["Archive", "Archiver", "Library", "Limits", "MediaDesk", "MediaLinks"]
