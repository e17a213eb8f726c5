"""The Video object as we emit and store it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import Video, VideoError, VideoStatus

# The fields of the API reference, in its order.
FIELDS = (
    "id object model status progress created_at completed_at expires_at prompt remixed_from_video_id seconds size error"
)

TEXT = st.none() | st.text()
NUMBER = st.none() | st.integers()
VIDEOS = st.builds(
    Video,
    id=st.text(),
    status=st.none() | st.sampled_from(VideoStatus),
    model=TEXT,
    progress=NUMBER,
    created_at=NUMBER,
    completed_at=NUMBER,
    expires_at=NUMBER,
    prompt=TEXT,
    remixed_from_video_id=TEXT,
    seconds=TEXT,
    size=TEXT,
    error=st.none() | st.builds(VideoError, TEXT, TEXT),
)


def test_a_video_of_which_only_the_id_is_known_has_all_thirteen_fields() -> None:
    known = {"id": "video_1", "object": "video"}
    assert Video("video_1").as_dict() == {name: known.get(name) for name in FIELDS.split()}


def test_the_fields_stand_in_the_order_of_the_reference() -> None:
    assert " ".join(Video("video_1").as_dict()) == FIELDS


def test_an_error_is_an_object_with_code_and_message() -> None:
    video = Video("video_1", VideoStatus.FAILED, error=VideoError(message="no"))
    assert video.as_dict()["error"] == {"code": None, "message": "no"}
    assert video.as_dict()["status"] == "failed"


@given(VIDEOS)
def test_a_video_stored_as_json_comes_back_the_same(video: Video) -> None:
    assert Video.from_dict(json.loads(json.dumps(video.as_dict()))) == video


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (VideoStatus.QUEUED, False),
        (VideoStatus.IN_PROGRESS, False),
        (VideoStatus.COMPLETED, True),
        (VideoStatus.FAILED, True),
    ],
)
def test_completed_and_failed_are_final(status: VideoStatus, final: bool) -> None:
    assert status.final is final
