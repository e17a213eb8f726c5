"""Which pages of a list are read, and when."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.poller.pages import WORTH, Pages, Planned, Shown, interval_of

NOW = 1_763_870_000.0


@pytest.fixture(autouse=True)
def kind() -> str:
    """Nothing here needs a database."""
    return "none"


class Server:
    """A list of videos, the newest first, of which some are ours."""

    def __init__(self, number: int, every: int = 1) -> None:
        self.rows = [f"v{place}" for place in reversed(range(number))]
        self.every = every
        self.read: list[str | None] = []

    def add(self, number: int) -> None:
        made = len(self.rows)
        self.rows = [f"v{place}" for place in reversed(range(made, made + number))] + self.rows

    def show(self, page: Planned, interval: float = 10.0, due: int = 100) -> Shown:
        self.read.append(page.after)
        start = 0 if page.after is None else self.rows.index(page.after) + 1
        rows = self.rows[start : start + 100]
        ours = {row: interval for row in rows if int(row[1:]) % self.every == 0}
        cursor = rows[-1] if start + 100 < len(self.rows) else None
        return Shown(rows, cursor, ours, due=min(due, len(ours)))


def turn(pages: Pages, server: Server, now: float, **shown: float) -> int:
    """Read all that is due, and what follows from it; how many pages that were."""
    before = len(server.read)
    while due := pages.due(now):
        for page in due:
            pages.reading(page, now)
            pages.seen(page, server.show(page, **shown), now)  # type: ignore[arg-type]
    return len(server.read) - before


def walked(server: Server) -> Pages:
    """The pages of a server whose list was walked once."""
    pages = Pages(1.0)
    pages.want_head(NOW, NOW)
    turn(pages, server, NOW)
    return pages


@pytest.mark.parametrize(
    ("intervals", "page"),
    [([10] * 4, 5), ([10] * 100, 1), ([20] * 100, 2), ([10], None), ([], None), ([2, 100], None), ([0] * 9, 1)],
)
def test_a_page_is_read_as_much_sooner_as_it_is_cheaper(intervals: list[float], page: float | None) -> None:
    assert interval_of(intervals, 1.0) == (None if page is None else pytest.approx(page))


def test_one_video_that_is_wanted_much_sooner_is_left_to_single_looks() -> None:
    assert interval_of([1, *[60] * 9], 1.0) == pytest.approx(20)


@given(st.lists(st.floats(0, 1000), max_size=100))
def test_no_page_is_read_too_often_nor_later_than_its_last_video_is_due(intervals: list[float]) -> None:
    page = interval_of(intervals, 1.0)
    assert page is None or 1.0 <= page <= max(1.0, max(intervals) / math.sqrt(2) + 1e-6)


def test_nothing_is_read_before_enough_videos_are_due() -> None:
    pages = Pages(1.0)
    pages.want_head(NOW, NOW + 5)
    assert pages.due(NOW) == []
    pages.want_head(NOW + 5, NOW + 5)
    assert pages.due(NOW + 5) == [pages.head]


def test_at_first_the_list_is_walked_to_its_end() -> None:
    server = Server(450)
    walked(server)
    assert server.read == [None, "v350", "v250", "v150", "v50"]


def test_a_walk_ends_where_it_shows_nobody_any_more() -> None:
    server = Server(2000, every=1000)
    walked(server)
    assert len(server.read) == 3


def test_afterwards_each_page_is_read_by_itself_when_it_is_worth_it() -> None:
    server = Server(450)
    pages = walked(server)
    assert pages.due(NOW + 0.9) == []
    assert {page.after for page in pages.due(NOW + 2)} == {"v449", "v350", "v250", "v150", "v50"}


def test_all_rows_are_seen_whatever_is_added_meanwhile() -> None:
    server = Server(300)
    pages, now = walked(server), NOW
    for added in (1, 30, 60, 99, 250, 0):
        server.add(added)
        now += 20
        pages.want_head(now, now)
        seen = set[str]()
        while due := pages.due(now):
            for page in due:
                pages.reading(page, now)
                shown = server.show(page)
                seen |= set(shown.rows)
                pages.seen(page, shown, now)
        assert seen == set(server.rows)
    assert len(pages.pages) <= len(server.rows) / 100 + 6


def test_a_page_that_shows_nobody_is_forgotten() -> None:
    server = Server(450)
    pages = walked(server)
    server.every = 10_000
    turn(pages, server, NOW + 2)
    assert turn(pages, server, NOW + 1000) == 0


def test_the_head_is_read_ever_more_rarely_while_it_shows_nobody_who_is_due() -> None:
    server = Server(50, every=10_000)
    pages, reads = Pages(1.0), list[float]()
    for second in range(100):
        pages.want_head(NOW + second, NOW)
        if turn(pages, server, NOW + second, due=0):
            reads.append(second)
    assert reads == [0, 2, 6, 14, 30, 62]
    assert not pages.promising(NOW + 100)


def test_the_list_is_not_walked_anew_for_videos_that_a_page_may_still_show() -> None:
    server = Server(300)
    pages = Pages(1.0)
    pages.want_head(NOW, NOW)
    turn(pages, server, NOW, interval=9000)
    pages.want_head(NOW + 9, NOW + 5)
    assert turn(pages, server, NOW + 9, interval=9000) == 1
    pages.want_head(NOW + 20, NOW + 5)
    assert turn(pages, server, NOW + 20, interval=9000) == 1
    pages.want_head(NOW + 30, NOW - 1)
    assert turn(pages, server, NOW + 30, interval=9000) == 3


def test_a_list_whose_head_does_not_help_is_walked_anew_ever_more_rarely() -> None:
    server = Server(300)
    pages, reads = walked(server), list[int]()
    server.every = 10_000
    for second in range(1, 120):
        pages.want_head(NOW + second, NOW - 10)
        reads += [second] if turn(pages, server, NOW + second, due=0) >= 3 else []
    assert 2 <= len(reads) <= 5


def test_a_page_that_could_not_be_read_is_due_still() -> None:
    pages = Pages(1.0)
    pages.want_head(NOW, NOW)
    pages.reading(pages.head, NOW)
    assert pages.due(NOW) == []
    pages.unread(pages.head, NOW + 1)
    assert pages.due(NOW + 1) == [pages.head]


def test_a_page_nobody_reports_about_is_read_again_some_day() -> None:
    pages = Pages(1.0)
    pages.want_head(NOW, NOW)
    pages.reading(pages.head, NOW)
    assert pages.due(NOW + 200) == [pages.head]


def test_where_pages_cannot_be_turned_the_head_is_all_there_is() -> None:
    server, pages = Server(450), Pages(1.0)
    pages.want_head(NOW, NOW)
    pages.seen(pages.head, server.show(pages.head), NOW, cursors=False)
    assert pages.pages == {}
    assert pages.next_at() == NOW + 1


def test_a_cursor_that_turns_in_a_circle_ends_the_walk() -> None:
    pages = Pages(1.0)
    pages.want_head(NOW, NOW)
    rows = [f"v{place}" for place in range(100)]
    shown = Shown(rows, "again", dict.fromkeys(rows, 10.0), due=100)
    for _ in range(10):
        for page in pages.due(NOW):
            pages.reading(page, NOW)
            pages.seen(page, shown, NOW)
    assert len(pages.pages) <= 2


def test_empty_pages_that_promise_more_end_the_walk() -> None:
    pages, reads = Pages(1.0), 0
    pages.want_head(NOW, NOW)
    while due := pages.due(NOW):
        for page in due:
            reads += 1
            pages.reading(page, NOW)
            pages.seen(page, Shown([], f"cursor_{reads}", {}), NOW)
    assert reads <= 3


def test_to_start_anew_is_to_know_no_page() -> None:
    pages = walked(Server(450))
    pages.forget()
    assert pages.next_at() is None
    assert WORTH > 1


def test_pages_are_read_when_they_would_have_been_although_the_clock_was_set() -> None:
    pages = walked(Server(200))
    due_at = pages.next_at()
    assert due_at is not None
    head_from = pages.head_from
    pages.move(-3600)
    assert (pages.next_at(), pages.head_from) == (due_at - 3600, head_from - 3600)
