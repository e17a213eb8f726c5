"""Why the next look is when it is, in a line."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.models import Outlook, Video, VideoStatus
from bridge.pacing import Belief, Hindrance, Prospect, explain
from bridge.states import VideoState
from tests.pacing.test_plan import NOW, PROSPECTS, STATES

# 2025-11-23 03:53:20 UTC
SEEN = Video("video_1", VideoStatus.IN_PROGRESS, progress=40, created_at=int(NOW) - 30)
STATE = VideoState(SEEN, looks=3, registered_at=NOW - 30, looked_at=NOW - 2)
USUAL = Prospect(Belief(math.log(62), 0.3, jobs=41), price=2.1)


def said(state: VideoState = STATE, prospect: Prospect = USUAL, after: float = 14.0) -> str:
    return explain(state, NOW + after, NOW, prospect).reason


def test_the_line_names_the_expected_end_the_experience_and_the_price() -> None:
    outlook = explain(STATE, NOW + 14, NOW, USUAL)
    assert outlook.reason == (
        "expected to end about 03:53:52 UTC (41 finished jobs like it, median 62 s); next look 03:53:34 UTC, "
        "when 1 request is worth 2.1 s of delay"
    )
    assert outlook.next_look_at == NOW + 14
    assert outlook.expected_end_at is not None
    assert round(outlook.expected_end_at - NOW) == 32


def test_it_says_when_progress_was_used() -> None:
    state = STATE._replace(reports=(2.0, 50.0, 0.8, 1300.0, 20.6, 0.33))
    assert "(41 finished jobs like it, median 62 s, progress 40 %)" in said(state)


def test_one_job_is_one_job() -> None:
    line = said(prospect=replace(USUAL, belief=USUAL.belief._replace(jobs=1)))
    assert "(1 finished job like it took 62 s)" in line
    assert "soon because few jobs are known" in line


def test_without_experience_nothing_is_expected() -> None:
    outlook = explain(STATE, NOW + 2, NOW, Prospect())
    assert outlook.reason.startswith("nothing is known yet of how long such jobs take; next look 03:53:22 UTC, soon")
    assert outlook.expected_end_at is None


def test_an_overdue_job_is_said_to_be_one() -> None:
    line = said(STATE._replace(video=replace(SEEN, created_at=int(NOW) - 900)))
    assert line.startswith("it has run for 15 min, longer than expected (41 finished jobs like it, median 62 s)")


def test_a_provider_in_trouble_is_the_reason() -> None:
    refused = Hindrance("the provider refuses our key (401)", until=NOW + 30)
    outlook = explain(VideoState(registered_at=NOW), NOW - 5, NOW, USUAL, hindrance=refused)
    assert outlook == Outlook(NOW + 30, "the provider refuses our key (401); it is asked again at 03:53:50 UTC")


def test_a_silent_provider_is_named_while_it_is_asked_too() -> None:
    silent = Hindrance("the provider has given no usable answer")
    outlook = explain(STATE, NOW + 30, NOW, USUAL, leased=True, hindrance=silent)
    assert outlook.reason == "it is being looked at just now, though the provider has given no usable answer"
    outlook = explain(STATE, NOW + 14, NOW, USUAL, hindrance=silent)
    assert outlook.reason == "the provider has given no usable answer; it is asked again at 03:53:34 UTC"


def test_a_provider_that_asked_for_time_gets_it() -> None:
    outlook = explain(STATE, NOW + 2, NOW, USUAL, hindrance=Hindrance(until=NOW + 14))
    assert outlook == Outlook(NOW + 14, "the provider asked for fewer requests; next look 03:53:34 UTC")
    assert explain(STATE, NOW + 14, NOW, USUAL, hindrance=Hindrance(until=NOW + 2)).next_look_at == NOW + 14


def test_other_reasons_have_other_words() -> None:
    assert said(VideoState(registered_at=NOW)) == "not looked at yet; first look 03:53:34 UTC"
    assert said(STATE._replace(missing_count=1)) == "the provider did not know it once; next look 03:53:34 UTC"
    assert "did not know it 3 times in a row" in said(STATE._replace(missing_count=3))
    assert said(STATE._replace(deadline=NOW + 14)).endswith("next look 03:53:34 UTC, when the watch gives up")
    assert said(STATE._replace(pushed_at=NOW), after=0).endswith("now, because the provider says that it ended")
    assert explain(STATE, NOW, NOW, USUAL, leased=True).reason == "it is being looked at just now"
    assert explain(None, None, NOW, USUAL) == Outlook(None, "nobody waits for it any more")


def test_a_day_away_the_moment_has_its_date() -> None:
    assert said(VideoState(), after=2 * 86_400) == "not looked at yet; first look 2025-11-25 03:53:20 UTC"


@given(STATES, st.floats(-1e6, 1e7), PROSPECTS, st.booleans())
def test_there_is_one_line_for_whatever_is_stored(
    state: VideoState, after: float, prospect: Prospect, looked: bool
) -> None:
    state = state._replace(looked_at=NOW if looked else None)
    reason = explain(state, NOW + after, NOW, prospect).reason
    assert reason
    assert "\n" not in reason
    assert len(reason) < 300
