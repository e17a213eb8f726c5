"""What a look means: when a video counts as lost, when a watch ends, and that every watch does end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import after_look, endings, lost_ending, told_video
from bridge.models import (
    BadKey,
    EventType,
    Look,
    LostReason,
    Missing,
    Observed,
    SlowDown,
    Trouble,
    Video,
    VideoStatus,
    WatchStatus,
)
from bridge.states import COMPLETED, FAILED, TIMED_OUT, Ending, LiveWatch, VideoState, ending_of

NOW = 1_763_870_000.0
GRACE = 60.0
GONE = Missing(LostReason.NOT_FOUND)
SEEN = Observed(Video("video_1", VideoStatus.IN_PROGRESS))
USELESS: list[Look] = [BadKey(), SlowDown(), SlowDown(9.0), Trouble("a 503")]

STATUSES = st.none() | st.sampled_from(VideoStatus)
LOOKS: st.SearchStrategy[Look] = st.one_of(
    st.builds(Observed, st.builds(Video, st.just("video_1"), STATUSES)),
    st.builds(Missing, st.sampled_from(LostReason)),
    st.sampled_from(USELESS),
)
# Looks, and the seconds between one and the next.
HISTORIES = st.lists(st.tuples(LOOKS, st.floats(min_value=0, max_value=100)), max_size=20)
WATCHES = st.lists(st.builds(LiveWatch, st.uuids().map(str), st.floats(min_value=NOW - 100, max_value=NOW + 100)))


def lost(state: VideoState, look: Look = GONE, *, now: float = NOW, allowed: bool = True) -> bool:
    return lost_ending(state, look, now, grace=GRACE, allowed=allowed) is not None


def missed(count: int, seconds: float) -> VideoState:
    """The state after so many "not there" in a row over so many seconds."""
    return VideoState(looks=count, missing_count=count, missing_since=NOW - seconds)


def test_an_observation_is_kept_and_ends_a_row_of_missing_ones() -> None:
    state = after_look(VideoState(None, 7, 4, NOW - 50, NOW + 9), SEEN, NOW)
    assert state == VideoState(SEEN.video, 8, 0, None, NOW + 9)


def test_the_first_missing_look_begins_the_row_and_the_next_goes_on_with_it() -> None:
    first = after_look(VideoState(SEEN.video), GONE, NOW)
    second = after_look(first, GONE, NOW + 15)
    assert first == VideoState(SEEN.video, 1, 1, NOW)
    assert second == VideoState(SEEN.video, 2, 2, NOW)


@pytest.mark.parametrize("look", USELESS, ids=repr)
def test_a_look_that_learned_nothing_is_only_counted(look: Look) -> None:
    state = VideoState(SEEN.video, 3, 2, NOW - 20, NOW + 9)
    assert after_look(state, look, NOW) == state._replace(looks=4)


@pytest.mark.parametrize("reason", LostReason)
def test_five_in_a_row_over_the_grace_are_lost_for_the_reason_given(reason: LostReason) -> None:
    ending = lost_ending(missed(5, GRACE), Missing(reason), NOW, grace=GRACE, allowed=True)
    assert ending is not None
    assert (ending.status, ending.event, ending.reason) == (WatchStatus.LOST, EventType.WATCH_LOST, reason)


@pytest.mark.parametrize(
    "state", [missed(4, 1e6), missed(5, GRACE - 0.001), missed(500, 1), VideoState(), VideoState(missing_count=5)]
)
def test_fewer_looks_or_a_shorter_time_prove_nothing(state: VideoState) -> None:
    assert not lost(state)


def test_nothing_is_lost_while_the_provider_itself_is_in_doubt() -> None:
    assert not lost(missed(50, 1e6), allowed=False)


@pytest.mark.parametrize("look", [SEEN, *USELESS], ids=repr)
def test_only_a_missing_look_makes_a_video_lost(look: Look) -> None:
    assert not lost(missed(50, 1e6), look)


@given(history=HISTORIES)
def test_nothing_is_lost_below_five_looks_in_a_row_or_the_grace(history: list[tuple[Look, float]]) -> None:
    state, now, row = VideoState(), NOW, list[float]()
    for look, pause in history:
        state = after_look(state, look, now)
        if isinstance(look, Missing):
            row.append(now)
        elif isinstance(look, Observed):
            row.clear()
        enough = isinstance(look, Missing) and len(row) >= 5 and now - row[0] >= GRACE
        assert lost(state, look, now=now) is enough
        now += pause


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (None, None),
        (VideoStatus.QUEUED, None),
        (VideoStatus.IN_PROGRESS, None),
        (VideoStatus.COMPLETED, COMPLETED),
        (VideoStatus.FAILED, FAILED),
    ],
)
def test_a_video_ends_by_what_it_says_itself(status: VideoStatus | None, ending: object) -> None:
    assert ending_of(Video("video_1", status)) is ending
    assert ending_of(None) is None


def test_each_ending_is_told_by_its_own_event() -> None:
    told = {(each.status.value, each.event.value) for each in (COMPLETED, FAILED, TIMED_OUT)}
    expected = {("completed", "video.completed"), ("failed", "video.failed"), ("timed_out", "watch.timed_out")}
    assert told == expected
    assert COMPLETED.reason is FAILED.reason is TIMED_OUT.reason is None


@given(watches=WATCHES, final=st.sampled_from([COMPLETED, FAILED]))
def test_a_final_observation_ends_every_live_watch(watches: list[LiveWatch], final: Ending) -> None:
    assert endings(watches, final, looked_from=NOW) == [(watch, final) for watch in watches]


@given(watches=WATCHES)
def test_without_an_end_those_time_out_whose_time_was_up_before_the_look(watches: list[LiveWatch]) -> None:
    ended = endings(watches, None, looked_from=NOW)
    assert ended == [(watch, TIMED_OUT) for watch in watches if watch.expires_at <= NOW]


def test_a_watch_whose_time_ran_out_during_the_look_gets_one_more() -> None:
    watch = LiveWatch("watch_1", NOW + 0.5)
    assert endings([watch], None, looked_from=NOW) == []
    assert endings([watch], None, looked_from=NOW + 0.5) == [(watch, TIMED_OUT)]


@given(history=HISTORIES, look=LOOKS, late=st.floats(min_value=0, max_value=1e6), allowed=st.booleans())
def test_a_watch_past_its_time_ends_with_the_next_look_whatever_that_was(
    history: list[tuple[Look, float]], look: Look, late: float, allowed: bool
) -> None:
    state, watch = VideoState(), LiveWatch("watch_1", NOW)
    for before, _ in [*history, (look, 0)]:
        state = after_look(state, before, NOW + late)
    ending = ending_of(state.video) or lost_ending(state, look, NOW + late, grace=GRACE, allowed=allowed)
    assert len(endings([watch], ending, looked_from=NOW + late)) == 1


@given(history=HISTORIES)
def test_looks_are_counted_and_the_deadline_is_nobodys_business_here(history: list[tuple[Look, float]]) -> None:
    state = VideoState(deadline=NOW + 7)
    for look, _ in history:
        state = after_look(state, look, NOW)
    assert (state.looks, state.deadline) == (len(history), NOW + 7)
    assert (state.missing_since is None) is (state.missing_count == 0)


def test_before_the_first_observation_an_event_tells_the_id_alone() -> None:
    assert told_video(None, "video_1") == Video("video_1")


def test_an_event_tells_the_video_as_last_observed() -> None:
    assert told_video(SEEN.video, "another id") is SEEN.video
