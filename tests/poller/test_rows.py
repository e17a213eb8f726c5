"""What a row of a list means for the video it names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.models import Video, VideoError, VideoStatus
from bridge.poller.rows import Reading, Row
from bridge.providers.pages import ListedRow
from bridge.store.sweeps import WaitedVideo

NOW = 1_763_870_000.0


@pytest.fixture(autouse=True)
def kind() -> str:
    """Nothing here needs a database."""
    return "none"


KNOWN = Video("video_1", VideoStatus.IN_PROGRESS, "sora-2", 40, 1_763_860_000, prompt="a cat", seconds="4")


def waited(video: Video | None = KNOWN, **columns: Any) -> WaitedVideo:
    observation = None if video is None else video.as_dict()
    row = WaitedVideo("vid_1", "video_1", 3, observation, 5, 0, None, NOW + 3600, NOW - 2, NOW + 8, None, NOW - 60)
    return row._replace(**columns)


def row(**fields: Any) -> ListedRow:
    return ListedRow("video_1", {**KNOWN.as_dict(), **fields})


def read(listed: ListedRow, known: WaitedVideo, believed: bool = True, asked_at: float = NOW - 1) -> Video | Row:
    return Reading(asked_at, NOW, believed).of(listed, known)


def test_a_row_that_shows_something_new_is_a_look() -> None:
    assert read(row(progress=41), waited()) == replace(KNOWN, progress=41)
    assert read(row(), waited(None, looked_at=None)) == KNOWN


def test_one_that_shows_nothing_new_is_written_before_its_own_look_is_due() -> None:
    assert read(row(), waited(looked_at=NOW - 2, next_at=NOW + 8)) is Row.KNOWN
    assert read(row(), waited(looked_at=NOW - 5, next_at=NOW + 5)) is Row.AGAIN


def test_and_at_least_every_twenty_seconds() -> None:
    assert read(row(), waited(looked_at=NOW - 19, next_at=NOW + 3600)) is Row.KNOWN
    assert read(row(), waited(looked_at=NOW - 20, next_at=NOW + 3600)) is Row.AGAIN


def test_until_then_single_looks_go_on_as_if_there_were_no_list() -> None:
    assert read(row(progress=41), waited(looked_at=NOW - 9), believed=False) is Row.KNOWN
    assert read(row(), waited(None, looked_at=None), believed=False) == KNOWN


def test_a_video_that_was_missing_is_found_again() -> None:
    assert read(row(), waited(missing_count=2)) is Row.AGAIN
    assert read(row(), waited(missing_count=2), believed=False) is Row.AGAIN


@pytest.mark.parametrize("left_out", ["prompt", "seconds", "model", "created_at"])
def test_what_a_row_leaves_out_stays_known(left_out: str) -> None:
    assert read(row(**{left_out: None}), waited()) is Row.KNOWN
    assert read(row(**{left_out: None, "progress": 50}), waited()) == replace(KNOWN, progress=50)


def test_a_row_spelled_otherwise_is_read_like_a_single_answer() -> None:
    assert read(row(status="Processing", progress="41%"), waited()) == replace(KNOWN, progress=41)


def test_an_end_is_doubted_until_the_list_is_believed() -> None:
    ended = row(status="completed", progress=100, prompt=None)
    assert read(ended, waited(), believed=False) is Row.DOUBTED
    assert read(ended, waited()) == replace(KNOWN, status=VideoStatus.COMPLETED, progress=100)


def test_a_failure_that_is_not_explained_is_doubted_whoever_says_it() -> None:
    assert read(row(status="failed"), waited()) is Row.DOUBTED
    told = read(row(status="failed", error={"code": "x", "message": "no"}), waited())
    assert isinstance(told, Video)
    assert told.error == VideoError("x", "no")


def test_what_a_single_look_saw_since_the_page_was_asked_for_stands() -> None:
    assert read(row(progress=41), waited(looked_at=NOW - 0.5)) is Row.PASSED_OVER


def test_a_single_look_under_way_is_not_disturbed_but_an_end_is_an_end() -> None:
    leased = waited(lease_until=NOW + 20, looked_at=NOW - 100)
    assert read(row(progress=41), leased) is Row.PASSED_OVER
    assert read(row(), leased) is Row.KNOWN
    assert isinstance(read(row(status="completed"), leased), Video)


def test_the_lease_of_a_look_that_died_holds_nothing_up() -> None:
    assert read(row(progress=41), waited(lease_until=NOW)) == replace(KNOWN, progress=41)


def test_who_is_owed_a_last_look_gets_a_single_one() -> None:
    assert read(row(progress=41), waited(deadline=NOW - 1)) is Row.PASSED_OVER


@pytest.mark.parametrize("odd", [{"status": None}, {"status": 7}])
def test_a_row_that_is_no_video_says_nothing(odd: dict[str, Any]) -> None:
    assert read(row(**odd), waited()) is Row.PASSED_OVER
