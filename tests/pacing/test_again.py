"""After a look that showed nothing new: the plan is the one that any other look gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import after_look
from bridge.models import Observed, Video, VideoStatus
from bridge.pacing import Pace, Prospect, next_look, remember
from bridge.pacing.again import after_same
from bridge.store.sweeps import WaitedVideo
from tests.pacing.test_plan import FUTURE, NOW, PACES, PAST, PROSPECTS, SECONDS

VIDEOS = st.builds(
    Video,
    st.just("video_1"),
    st.just(VideoStatus.IN_PROGRESS),
    progress=st.none() | st.integers(0, 100),
    created_at=st.none() | st.integers(int(NOW) - 10_000, int(NOW) + 100),
)
REPORTS = st.none() | st.lists(SECONDS, min_size=6, max_size=6)
ROWS = st.builds(
    lambda video, looks, deadline, registered_at, reports: WaitedVideo(
        "vid_1", "video_1", 1, video.as_dict(), looks, 0, None, deadline, NOW, NOW, None, registered_at, reports
    ),
    VIDEOS,
    st.integers(1, 100),
    FUTURE | PAST,
    PAST,
    REPORTS,
)


@given(known=ROWS, poll_after=st.none() | SECONDS, pace=PACES, prospect=PROSPECTS)
def test_it_is_the_plan_of_any_other_look(
    known: WaitedVideo, poll_after: float | None, pace: Pace, prospect: Prospect
) -> None:
    video = known.video()
    assert video is not None
    look = Observed(video, poll_after)
    state = after_look(known.state(video), look, NOW)
    state = state._replace(reports=remember(state, look, NOW, prospect.ahead))
    expected = (state.reports, next_look(state, look, NOW, pace, prospect))
    assert after_same(known, poll_after, NOW, pace, prospect) == expected
