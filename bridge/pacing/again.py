"""The plan after a look that showed a job as it was known, and nothing else: of the rows of a page nearly all are such.

It is the plan of :mod:`bridge.pacing.plan`, from the same parts, without making a state of what the row holds: making
and changing those took longer than all that is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.pacing import progress
from bridge.pacing.plan import Kept, Pace, Prospect, bounded, elapsed, kept, worth


class Known(Protocol):
    """A video as its row has it, once it was observed: not missing since, and no push has told its end."""

    @property
    def observation(self) -> Mapping[str, Any] | None:
        """The Video object."""
        ...

    @property
    def registered_at(self) -> float:
        """When it was first watched, Unix seconds."""
        ...

    @property
    def reports(self) -> Sequence[float] | None:
        """What is kept of its progress."""
        ...

    @property
    def looks(self) -> int:
        """How many looks there were."""
        ...

    @property
    def deadline(self) -> float | None:
        """When its first watch gives up, Unix seconds."""
        ...


def after_same(
    known: Known, poll_after: float | None, now: float, pace: Pace, prospect: Prospect
) -> tuple[Kept, float]:
    """What the row keeps of the job's progress after such a look, and when to look next, Unix seconds.

    :param poll_after: the provider's wish for the time to the next look, seconds.
    """
    video = known.observation or {}
    ran = elapsed(video.get("created_at"), known.registered_at, now, prospect.ahead)
    sums = kept(progress.seen(progress.as_sums(known.reports), ran, video.get("progress")))
    interval = worth(progress.as_sums(sums), ran, known.looks + 1, pace, prospect)
    return sums, bounded(interval, poll_after, known.deadline, now, pace)
