"""Lists that differ from what the API says, as those of some servers do."""

from __future__ import annotations

import pytest

from bridge.models import Page, Video, VideoError, VideoStatus
from bridge.simulator import ListQuirk
from bridge.simulator.lists import list_object

PAGE = Page([Video("b", VideoStatus.COMPLETED, progress=100), Video("a", VideoStatus.IN_PROGRESS, progress=5)], True)


def test_without_a_quirk_it_is_the_list_of_the_api() -> None:
    listed = list_object(PAGE)
    assert [row["id"] for row in listed["data"]] == ["b", "a"]
    assert (listed["object"], listed["first_id"], listed["last_id"], listed["has_more"]) == ("list", "b", "a", True)
    assert list_object(Page([], False)) == {"object": "list", "data": []} | {
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_some_servers_send_the_rows_alone() -> None:
    assert set(list_object(PAGE, ListQuirk.NO_CURSORS)) == {"object", "data"}


def test_a_filtered_page_keeps_its_cursors() -> None:
    listed = list_object(PAGE, ListQuirk.FILTERED)
    assert (listed["data"], listed["last_id"], listed["has_more"]) == ([], "a", True)


def test_rows_may_have_ids_of_their_own() -> None:
    listed = list_object(PAGE, ListQuirk.OTHER_IDS)
    assert listed["data"][0]["id"].startswith("video_")
    assert listed["first_id"] == "b"


@pytest.mark.parametrize(("quirk", "status"), [(ListQuirk.STALE, "queued"), (ListQuirk.LYING, "completed")])
def test_rows_may_say_what_is_not_so(quirk: ListQuirk, status: str) -> None:
    page = Page([Video("a", VideoStatus.FAILED, error=VideoError("x", "y")), *PAGE.items], False)
    assert {row["status"] for row in list_object(page, quirk)["data"]} == {status}
