"""The bells of a process: rung when a table has something new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from bridge.loops import Bell


@dataclass(frozen=True, slots=True)
class Bells:
    """Rung when a table has something new: for the poller, for the sender, for those who wait for a watch.

    ``watches`` is rung when watches ended, ``progress`` also when one that goes on shows something new.
    """

    videos: Bell
    deliveries: Bell
    watches: Bell
    progress: Bell

    def by_name(self) -> Mapping[str, Bell]:
        """All of them, by the names under which replicas know them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
