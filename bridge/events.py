"""What a look means: pure decisions from a video's stored state and what the provider said.

The words of the state diagram in ``docs/architecture.md`` are the words here: a look *observed* the video, found it
*missing* or had *trouble*; a watch *ends* as completed, failed, lost or timed out. A provider's trouble is never a
verdict on a video, and no look, however odd, keeps a watch from ending.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.models import EventType, Look, Missing, Observed, Video, WatchStatus
from bridge.states import LOST_AFTER_LOOKS, TIMED_OUT, Ending, LiveWatch, VideoState


def after_look(state: VideoState, look: Look, now: float) -> VideoState:
    """The state after one look. Trouble, a bad key and a slow-down teach nothing about the video."""
    if isinstance(look, Observed):
        return state._replace(video=look.video, looks=state.looks + 1, missing_count=0, missing_since=None)
    looked = state._replace(looks=state.looks + 1)
    match look:
        case Missing():
            since = now if state.missing_since is None else state.missing_since
            return looked._replace(missing_count=state.missing_count + 1, missing_since=since)
        case _:
            return looked


def lost_ending(state: VideoState, look: Look, now: float, *, grace: float, allowed: bool) -> Ending | None:
    """Whether this "not there" makes the video lost: five in a row over at least ``grace`` seconds.

    :param state: the state after this look.
    :param allowed: False while the provider itself is in doubt (paused or suspect); then nothing is lost.
    """
    if not isinstance(look, Missing) or not allowed or state.missing_since is None:
        return None
    if state.missing_count < LOST_AFTER_LOOKS or now - state.missing_since < grace:
        return None
    return Ending(WatchStatus.LOST, EventType.WATCH_LOST, look.reason.value)


def endings(
    watches: Iterable[LiveWatch], video_ending: Ending | None, *, looked_from: float
) -> list[tuple[LiveWatch, Ending]]:
    """Which watches end by this look, and how.

    A video's own end ends all of them. Otherwise those time out whose time was up before the look began, so that
    nobody gives up without one more look.
    """
    if video_ending is not None:
        return [(watch, video_ending) for watch in watches]
    return [(watch, TIMED_OUT) for watch in watches if watch.expires_at <= looked_from]


def told_video(video: Video | None, video_id: str) -> Video:
    """The Video object an event tells: before the first observation only the id is known."""
    return Video(id=video_id) if video is None else video
