"""When a video is looked at again: at first often, then less, never too often and never too late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import BadKey, Look, LostReason, Missing, Observed, SlowDown, Trouble, Video
from bridge.pacing import Pace, next_look
from bridge.states import LOST_AFTER_LOOKS, VideoState

NOW = 1_763_870_000.0
GONE = Missing(LostReason.NOT_FOUND)
SEEN = Observed(Video("video_1"))
PACE = Pace()

SECONDS = st.floats(min_value=0, max_value=1e7)
LOOKS: st.SearchStrategy[Look] = st.one_of(
    st.builds(Observed, st.just(Video("video_1")), st.none() | SECONDS),
    st.sampled_from([GONE, BadKey(), SlowDown(500.0), Trouble()]),
)
FUTURE = st.floats(min_value=NOW, max_value=NOW + 1e6, exclude_min=True)
PAST = st.floats(min_value=NOW - 1e6, max_value=NOW)


def states(deadlines: st.SearchStrategy[float | None]) -> st.SearchStrategy[VideoState]:
    looks, missing = st.integers(min_value=1, max_value=100_000), st.integers(min_value=0, max_value=9)
    return st.builds(VideoState, looks=looks, missing_count=missing, deadline=deadlines)


STATES = states(st.none() | FUTURE | PAST)
PACES = st.builds(
    lambda least, more, grace: Pace(least, least + more, grace),
    st.floats(min_value=0.05, max_value=60),
    st.floats(min_value=0, max_value=600),
    st.floats(min_value=0, max_value=600),
)
# What Unix seconds as floats cannot tell apart.
TINY = 1e-5


def wait(state: VideoState, look: Look = SEEN, pace: Pace = PACE) -> float:
    return next_look(state, look, NOW, pace) - NOW


@pytest.mark.parametrize(
    ("looks", "seconds"), [(1, 2), (2, 2.5), (3, 3.125), (12, 23.283), (13, 29.104), (14, 30), (99_999, 30)]
)
def test_two_seconds_at_first_a_quarter_more_each_time_up_to_the_longest(looks: int, seconds: float) -> None:
    assert wait(VideoState(looks=looks)) == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("look", [SEEN, BadKey(), SlowDown(9), Trouble()], ids=repr)
def test_trouble_changes_nothing_about_the_pace(look: Look) -> None:
    assert wait(VideoState(looks=2), look) == 2.5


def test_looks_before_any_was_counted_are_the_quickest() -> None:
    assert wait(VideoState(looks=0)) == 2


def test_a_missing_video_is_looked_at_just_often_enough_for_the_grace() -> None:
    for looks in (1, 1000):
        assert wait(VideoState(looks=looks), GONE) == PACE.lost_grace / (LOST_AFTER_LOOKS - 1) == 15


def test_the_wait_for_a_missing_video_keeps_to_the_bounds_too() -> None:
    assert wait(VideoState(looks=1), GONE, Pace(1, 10, lost_grace=600)) == 10
    assert wait(VideoState(looks=1), GONE, Pace(1, 10, lost_grace=0)) == 1


def test_five_missing_looks_span_the_grace() -> None:
    now = NOW
    for looks in range(1, LOST_AFTER_LOOKS):
        now = next_look(VideoState(looks=looks, missing_count=looks, missing_since=NOW), GONE, now, PACE)
    assert now - NOW == PACE.lost_grace


def test_the_provider_may_ask_for_a_longer_wait_but_not_for_a_shorter() -> None:
    assert wait(VideoState(looks=1), Observed(SEEN.video, poll_after=45)) == 45
    assert wait(VideoState(looks=1), Observed(SEEN.video, poll_after=0.1)) == 2


def test_the_look_before_a_watch_gives_up_is_owed_even_against_the_providers_wish() -> None:
    assert wait(VideoState(looks=99, deadline=NOW + 7), Observed(SEEN.video, poll_after=3600)) == 7
    assert wait(VideoState(looks=99, deadline=NOW + 0.5)) == 0.5


def test_a_watch_whose_time_ran_out_during_the_look_waits_no_longer_than_the_shortest_interval() -> None:
    for deadline in (NOW, NOW - 10):
        assert wait(VideoState(looks=99, deadline=deadline), Observed(SEEN.video, poll_after=3600)) == 1


@given(state=STATES, look=LOOKS, pace=PACES)
def test_never_earlier_than_the_shortest_interval_except_for_a_deadline(
    state: VideoState, look: Look, pace: Pace
) -> None:
    due = next_look(state, look, NOW, pace)
    assert due >= NOW + pace.min_interval - TINY or due == state.deadline


@given(state=STATES, look=LOOKS, pace=PACES)
def test_never_later_than_the_longest_interval_unless_the_provider_asked(
    state: VideoState, look: Look, pace: Pace
) -> None:
    asked = look.poll_after if isinstance(look, Observed) and look.poll_after is not None else 0.0
    assert next_look(state, look, NOW, pace) <= NOW + max(pace.max_interval, asked) + TINY


@given(state=states(FUTURE), look=LOOKS, pace=PACES)
def test_never_beyond_a_deadline_that_is_still_to_come(state: VideoState, look: Look, pace: Pace) -> None:
    assert state.deadline is not None
    assert NOW < next_look(state, look, NOW, pace) <= state.deadline


@given(state=states(PAST), look=LOOKS, pace=PACES)
def test_what_is_owed_is_looked_at_after_the_shortest_interval(state: VideoState, look: Look, pace: Pace) -> None:
    assert next_look(state, look, NOW, pace) == pytest.approx(NOW + pace.min_interval, abs=TINY)


@given(looks=st.integers(min_value=1, max_value=200), pace=PACES)
def test_waits_never_get_shorter_while_nothing_happens(looks: int, pace: Pace) -> None:
    assert wait(VideoState(looks=looks), pace=pace) <= wait(VideoState(looks=looks + 1), pace=pace) + TINY
