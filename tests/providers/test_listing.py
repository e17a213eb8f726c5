"""What is learned about a provider's list."""

from __future__ import annotations

import pytest

from bridge.models import SlowDown, Trouble
from bridge.providers.listing import (
    REFUSED_FOR,
    Listing,
    after_comparison,
    after_page,
    believed,
    leads_nowhere,
    may_list,
)
from bridge.providers.pages import Listed, ListedRow, ListRefused

NOW = 1_763_870_000.0
WORKS = Listing(works=True)


def page(*ids: str, cursor: str | None = None) -> Listed:
    return Listed(tuple(ListedRow(each, {"id": each, "status": "queued"}) for each in ids), cursor)


def test_a_provider_nobody_asked_may_be_asked() -> None:
    assert may_list(Listing(), NOW)
    assert after_page(Listing(), page("a"), None, NOW) == WORKS


def test_one_that_refuses_is_asked_again_in_an_hour() -> None:
    refused = after_page(WORKS, ListRefused("HTTP 404"), None, NOW)
    assert not may_list(refused, NOW + REFUSED_FOR - 1)
    assert may_list(refused, NOW + REFUSED_FOR)


def test_a_cursor_that_is_refused_costs_the_further_pages_alone() -> None:
    refused = after_page(WORKS, ListRefused("HTTP 400"), "video_1", NOW)
    assert may_list(refused, NOW)
    assert not refused.cursors


@pytest.mark.parametrize("nowhere", [page("a", "b"), page("c", cursor="a")], ids=["it is on it", "it follows itself"])
def test_a_page_that_does_not_follow_its_cursor_leads_nowhere(nowhere: Listed) -> None:
    assert leads_nowhere(nowhere, "a")
    assert not after_page(WORKS, nowhere, "a", NOW).cursors
    assert after_page(WORKS, page("b", "c"), "a", NOW).cursors


def test_trouble_is_waited_out_ever_longer_and_forgotten_by_the_next_page() -> None:
    listing = WORKS
    for pause in (10, 20, 40):
        listing = after_page(listing, Trouble("HTTP 500"), None, NOW)
        assert listing.off_until == NOW + pause
    assert after_page(listing, page("a"), None, NOW).troubles == 0


def test_a_429_teaches_nothing_about_the_list() -> None:
    assert after_page(WORKS, SlowDown(5.0), None, NOW) == WORKS


def test_a_pause_that_is_further_off_than_any_is_over() -> None:
    assert may_list(Listing(off_until=NOW + REFUSED_FOR + 1), NOW)


def test_rows_are_believed_once_three_have_matched() -> None:
    listing = WORKS
    for _ in range(3):
        assert not believed(listing)
        listing = after_comparison(listing, True)
    assert believed(listing)


def test_one_that_did_not_match_takes_many_that_do_to_make_up_for() -> None:
    listing = Listing(works=True, matched=3)
    listing = after_comparison(listing, False)
    for _ in range(32):
        listing = after_comparison(listing, True)
        assert not believed(listing)
    assert believed(after_comparison(listing, True))


def test_what_is_kept_is_what_is_known() -> None:
    listing = Listing(True, False, NOW, 2, 1)
    assert Listing.from_dict(listing.as_dict()) == listing
