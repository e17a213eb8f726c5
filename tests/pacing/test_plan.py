"""When a video is looked at again: when that is worth a request, never too often and never too late."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import BadKey, Look, LostReason, Missing, Observed, SlowDown, Trouble, Video, VideoStatus
from bridge.pacing import Belief, Pace, Prospect, Tempo, elapsed_of, next_look, prospect_of, remember
from bridge.pacing.plan import FIRST_INTERVAL, GROWTH, belief_about
from bridge.pacing.progress import Line
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
    return st.builds(
        VideoState,
        st.none() | st.builds(Video, st.just("video_1"), created_at=st.none() | st.integers(0, 2**40)),
        looks=looks,
        missing_count=missing,
        deadline=deadlines,
        registered_at=st.none() | PAST | FUTURE,
        reports=st.just(()) | st.lists(SECONDS, min_size=6, max_size=6).map(tuple),
    )


# Whatever was learned, however odd.
PROSPECTS = st.builds(
    Prospect,
    st.builds(Belief, st.floats(-1, 15), st.floats(0.03, 3), st.integers(0, 1000)),
    st.builds(Line, st.floats(-1, 1), st.floats(-1, 2), st.floats(0.003, 1), st.floats(1, 7)),
    st.floats(0.5, 20),
    st.floats(-1e6, 1e6),
)
STATES = states(st.none() | FUTURE | PAST)
PACES = st.builds(
    lambda least, more, grace: Pace(least, least + more, grace),
    st.floats(min_value=0.05, max_value=60),
    st.floats(min_value=0, max_value=600),
    st.floats(min_value=0, max_value=600),
)
# What Unix seconds as floats cannot tell apart.
TINY = 1e-5


# Jobs like it take about a minute.
USUAL = Prospect(Belief(math.log(60), 0.3, jobs=40), price=1.0)


def wait(state: VideoState, look: Look = SEEN, pace: Pace = PACE, prospect: Prospect | None = None) -> float:
    return next_look(state, look, NOW, pace, prospect) - NOW


def running(seconds: float, *, looks: int = 5) -> VideoState:
    """A job that has run for so long."""
    return VideoState(SEEN.video, looks=looks, registered_at=NOW - seconds)


@pytest.mark.parametrize(("looks", "seconds"), [(0, 2), (1, 2), (2, 2.5), (3, 3.125)])
def test_where_no_job_was_seen_to_finish_the_first_looks_are_soon(looks: int, seconds: float) -> None:
    assert wait(VideoState(looks=looks)) == pytest.approx(seconds, abs=0.001)


@given(looks=st.integers(1, 1000), elapsed=st.floats(0, 1e5))
def test_there_the_waits_grow_by_a_quarter_at_most(looks: int, elapsed: float) -> None:
    longest = max(PACE.min_interval, FIRST_INTERVAL * GROWTH ** min(looks - 1, 64))
    assert wait(running(elapsed, looks=looks)) <= longest + TINY


@pytest.mark.parametrize("look", [SEEN, BadKey(), SlowDown(9), Trouble()], ids=repr)
def test_trouble_changes_nothing_about_the_pace(look: Look) -> None:
    assert wait(VideoState(looks=2), look) == 2.5
    assert wait(running(50), look, prospect=USUAL) == wait(running(50), prospect=USUAL)


def test_looks_are_rare_before_jobs_like_it_end_and_often_when_they_do() -> None:
    early, near, late = (wait(running(seconds), prospect=USUAL) for seconds in (1, 50, 70))
    assert early == 30
    assert near < 8
    assert late < near


def test_an_overdue_job_is_looked_at_ever_more_rarely_and_once_in_the_longest_interval_at_least() -> None:
    waits = [wait(running(seconds), prospect=USUAL) for seconds in (200, 400, 1000, 3000, 1e5)]
    assert waits == sorted(waits)
    assert waits[0] > 3 * wait(running(70), prospect=USUAL)
    assert waits[-1] == PACE.max_interval


@given(state=STATES, prospect=PROSPECTS, dearer=st.floats(1, 100))
def test_the_dearer_a_request_the_longer_the_wait(state: VideoState, prospect: Prospect, dearer: float) -> None:
    dear = replace(prospect, price=prospect.price * dearer)
    assert wait(state, prospect=prospect) <= wait(state, prospect=dear) + TINY


def test_where_the_budget_cannot_keep_the_longest_interval_that_grows() -> None:
    assert wait(running(1), prospect=replace(USUAL, price=2000.0)) == 10 * PACE.max_interval


def test_a_push_that_the_provider_does_not_bear_out_yet_is_looked_into_soon_then_less() -> None:
    early = running(1)
    waits = [wait(early._replace(pushed_at=NOW - ago), prospect=USUAL) for ago in (-1, 0, 1, 2, 4, 500)]
    assert waits == [1, 1, 1, 2, 4, wait(early, prospect=USUAL)]


def test_a_progress_that_goes_with_the_time_tells_when_the_job_ends() -> None:
    state = running(30)
    for seconds, percent in ((10, 11), (20, 19), (30, 31)):
        seen = Observed(Video("video_1", VideoStatus.IN_PROGRESS, progress=percent))
        state = state._replace(reports=remember(state, seen, NOW - 30 + seconds))
    belief = belief_about(state, replace(USUAL, line=Line(noise=0.02)))
    assert belief.median == pytest.approx(98, abs=4)
    assert belief.sigma < 0.1


def test_looks_that_show_no_video_keep_what_was_reported() -> None:
    state = running(30)._replace(reports=(1.0, 10.0, 0.1, 100.0, 1.0, 0.01))
    assert remember(state, Trouble(), NOW) == state.reports
    assert remember(running(30), SEEN, NOW) == ()


def test_a_job_runs_since_its_provider_made_it_but_no_later_than_it_was_watched() -> None:
    made = Video("video_1", created_at=int(NOW) - 100)
    assert elapsed_of(VideoState(registered_at=NOW - 9), NOW) == 9
    assert elapsed_of(VideoState(made, registered_at=NOW - 9), NOW) == 99.5
    assert elapsed_of(VideoState(made, registered_at=NOW - 200), NOW) == 200
    assert elapsed_of(VideoState(made, registered_at=NOW - 9), NOW, ahead=80) == 19.5
    assert elapsed_of(VideoState(), NOW) == 0


def test_a_prospect_joins_what_is_known_of_jobs_and_of_their_provider() -> None:
    tempo = Tempo(price=3.0, ahead=-5.0)
    prospect = prospect_of([], tempo)
    assert (prospect.belief.jobs, prospect.price, prospect.ahead) == (0, 3.0, -5.0)


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


@given(state=STATES, look=LOOKS, pace=PACES, prospect=PROSPECTS)
def test_never_earlier_than_the_shortest_interval_except_for_a_deadline(
    state: VideoState, look: Look, pace: Pace, prospect: Prospect
) -> None:
    due = next_look(state, look, NOW, pace, prospect)
    assert due >= NOW + pace.min_interval - TINY or due == state.deadline


@given(state=STATES, look=LOOKS, pace=PACES, prospect=PROSPECTS)
def test_never_later_than_the_longest_interval_unless_the_provider_asked(
    state: VideoState, look: Look, pace: Pace, prospect: Prospect
) -> None:
    asked = look.poll_after if isinstance(look, Observed) and look.poll_after is not None else 0.0
    longest = max(pace.min_interval, pace.max_interval, asked)
    assert next_look(state, look, NOW, pace, prospect) <= NOW + longest + TINY


@given(state=states(FUTURE), look=LOOKS, pace=PACES)
def test_never_beyond_a_deadline_that_is_still_to_come(state: VideoState, look: Look, pace: Pace) -> None:
    assert state.deadline is not None
    assert NOW < next_look(state, look, NOW, pace) <= state.deadline


@given(state=states(PAST), look=LOOKS, pace=PACES)
def test_what_is_owed_is_looked_at_after_the_shortest_interval(state: VideoState, look: Look, pace: Pace) -> None:
    assert next_look(state, look, NOW, pace) == pytest.approx(NOW + pace.min_interval, abs=TINY)
