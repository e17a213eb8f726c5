"""What the tables hold, as values the deciding modules work on: states, endings, recipients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bridge.models import EventType, Video, VideoStatus, WatchStatus

LOST_AFTER_LOOKS = 5


class VideoState(NamedTuple):
    """What is known of a video between two looks.

    A named tuple, because each look at each of a hundred thousand videos makes some, and a frozen dataclass takes four
    times as long to make and to replace.

    :param looks: looks since the watching began.
    :param missing_count: "not there" answers in a row, the first of them at ``missing_since``.
    :param deadline: when the first of its live watches gives up.
    :param registered_at: when it was first watched.
    :param looked_at: the last look of any outcome, None before the first.
    :param reports: what pacing keeps of the progress it reported (:func:`bridge.pacing.remember`).
    :param pushed_at: when its provider told us unasked that it ended, None when it never did.
    """

    video: Video | None = None
    looks: int = 0
    missing_count: int = 0
    missing_since: float | None = None
    deadline: float | None = None
    registered_at: float | None = None
    looked_at: float | None = None
    reports: tuple[float, ...] = ()
    pushed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a watch ends, and the event that tells it."""

    status: WatchStatus
    event: EventType
    reason: str | None = None


COMPLETED = Ending(WatchStatus.COMPLETED, EventType.VIDEO_COMPLETED)
FAILED = Ending(WatchStatus.FAILED, EventType.VIDEO_FAILED)
TIMED_OUT = Ending(WatchStatus.TIMED_OUT, EventType.WATCH_TIMED_OUT)


def ending_of(video: Video | None) -> Ending | None:
    """How watches on this video end by what it says itself; None while it is still being made."""
    if video is None or video.status is None:
        return None
    if video.status is VideoStatus.COMPLETED:
        return COMPLETED
    return FAILED if video.status is VideoStatus.FAILED else None


@dataclass(frozen=True, slots=True)
class LiveWatch:
    """A watch that is still waiting, as far as its ending depends on it."""

    id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Recipient:
    """A destination of a watch, as far as telling it depends on it.

    :param target: digest of kind and URL; rate, breaker and disabling belong to it.
    :param host: whose share of the sender its deliveries take.
    """

    destination_id: str
    events: frozenset[EventType]
    target: str
    host: str
