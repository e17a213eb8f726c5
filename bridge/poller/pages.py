"""Which pages of a provider's list are read, and when. Pure: no clock, no network.

The list is newest first and grows at its head; a page named by a cursor keeps its rows. So pages are remembered by
their cursors, each with the moment it is worth reading again, and those that hold nobody we wait for are forgotten. The
head grows from the newest remembered cursor on; once it has nearly a page of its own, that becomes a page to remember.

When a page is worth reading follows from when its videos are to be looked at singly. A look costs one request whatever
it shows, and with the price of a request c and a hazard h a single video is best looked at every sqrt(2c/h) seconds;
a page that shows several of them has the sum of their hazards. So single intervals I become one of
``1 / sqrt(sum(1/I²))``: of m equal ones the page's is the square root of m shorter, and costs that much less.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

WORTH = 4
"""So many due videos are worth a page of which we do not know whom it shows."""

_MOST_PAGES = 5_000
# A page is worth its request when it does at least as well as looking singly at this many videos.
_EQUALS = 2.0
_BARREN = 2
_FULL_HEAD = 80
# A head that shows nobody who is due is read ever more rarely, seconds.
_LONGEST_HEAD_WAIT = 60.0
# Longer than reading a page ever takes, seconds.
_READING = 150.0
_FIRST_WAIT = 5.0
_LONGEST_WAIT = 300.0


def interval_of(intervals: Iterable[float], shortest: float) -> float | None:
    """How soon a page is worth reading again, seconds; None when its videos are better looked at singly.

    Videos that are to be looked at much sooner than the others are left to single looks.

    :param intervals: until each of its videos would be looked at singly, seconds.
    :param shortest: no page is read more often.
    """
    latest_first = sorted((max(each, shortest) for each in intervals), reverse=True)
    densities = accumulate(each**-2 for each in latest_first)
    together = [(single, density**-0.5) for single, density in zip(latest_first, densities, strict=True)]
    worth = [page for single, page in together if page <= single / math.sqrt(_EQUALS) + 1e-9]
    return max(shortest, min(worth)) if worth else None


@dataclass(slots=True, eq=False)
class Planned:
    """A page to remember. Times are Unix seconds.

    :param after: its cursor; None for the head of the list.
    :param read_at: when it is to be read; None when it is not worth it.
    :param barren: while the list is walked, how many pages before this one showed nobody; None when it is not.
    :param asked_at: when it was last asked for; :param shown_at: when what was last recorded of it was asked for.
    """

    after: str | None
    read_at: float | None
    barren: int | None = None
    asked_at: float = -math.inf
    shown_at: float = -math.inf


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page showed.

    :param rows: the ids on it, in its order; :param cursor: what leads to the next one.
    :param intervals: until each video of ours on it would be looked at singly, seconds.
    :param due: how many of these were due.
    """

    rows: Sequence[str]
    cursor: str | None
    intervals: Mapping[str, float]
    due: int = 0

    @property
    def barren(self) -> bool:
        """Whether it is not worth more than single looks."""
        return len(self.intervals) < _EQUALS

    def planned(self, rows: Sequence[str]) -> list[float]:
        """The intervals of our videos among these rows."""
        return [self.intervals[row] for row in rows if row in self.intervals]


@dataclass(slots=True)
class Pages:
    """The pages of one provider that are remembered.

    :param shortest: no page is read more often than every so many seconds.
    """

    shortest: float
    head: Planned = field(default_factory=lambda: Planned(None, None))
    pages: dict[str, Planned] = field(default_factory=dict)
    _boundary: str | None = None
    _head_read: float = -math.inf
    _head_wait: float = 0.0
    _walk_from: float = -math.inf
    _walk_wait: float = _FIRST_WAIT
    _found: int = 0

    def due(self, now: float) -> list[Planned]:
        """The pages to read, those that wait longest first."""
        waiting = [(page.read_at, page) for page in self._all() if page.read_at is not None and page.read_at <= now]
        return [page for _, page in sorted(waiting, key=lambda each: each[0])]

    def next_at(self) -> float | None:
        """When the next page is to be read."""
        return min((page.read_at for page in self._all() if page.read_at is not None), default=None)

    def move(self, by: float) -> None:
        """Keep every wait as long as it was: the clock was set by so many seconds."""
        for page in self._all():
            page.read_at = None if page.read_at is None else page.read_at + by
            page.asked_at, page.shown_at = page.asked_at + by, page.shown_at + by
        self._head_read += by
        self._walk_from += by

    @property
    def head_idle(self) -> bool:
        """Whether the head is neither planned nor being read."""
        return self.head.read_at is None

    @property
    def head_from(self) -> float:
        """From when on the head may be read because enough videos are due."""
        return self._head_read + self._head_wait

    def want_head(self, now: float, due_since: float) -> None:
        """Plan the head because enough videos are due, if it may be read now.

        Those that were due before any remembered page was last read are on none: then the whole list is walked anew,
        ever more rarely when that brings nothing. Not so while pages are late, for then it may be theirs to show them.

        :param due_since: the moment since which :data:`WORTH` videos are due.
        """
        if not self.head_idle or max(self.head_from, due_since) > now:
            return
        shown_at = min(page.shown_at for page in self._all())
        stuck = due_since < shown_at and now >= self._walk_from and not self._late(now)
        if self._boundary is None or stuck:
            self._walk(now)
        self.head.read_at = now

    def promising(self, now: float) -> bool:
        """Whether pages that are planned, or may be, are likely to show videos that are due."""
        known = self.head.read_at is not None or bool(self.pages)
        return known or self.head_from <= now + self.shortest

    def reading(self, page: Planned, now: float) -> None:
        """A page is being read. Should nobody say what became of that, it is read again later."""
        page.read_at, page.asked_at = now + _READING, now
        if page is self.head:
            self._head_read = now

    def unread(self, page: Planned, now: float) -> None:
        """A page could not be read; it is due still."""
        page.read_at = now

    def seen(self, page: Planned, shown: Shown, now: float, *, cursors: bool = True) -> None:
        """A page was read.

        :param cursors: whether pages can be turned.
        """
        page.shown_at = page.asked_at
        if page is self.head:
            self._found += shown.due
            longer = min(2 * max(self._head_wait, self.shortest), _LONGEST_HEAD_WAIT)
            self._head_wait = self.shortest if shown.due else longer
            self._seen_head(page, shown, now, cursors)
        elif page.after is not None and self.pages.get(page.after) is page:
            self._found += 0 if page.barren is None else shown.due
            self._plan(page, shown.intervals.values(), now)
            if page.read_at is None:
                del self.pages[page.after]
            self._walk_on(page, shown, now)

    def forget(self) -> None:
        """Start anew: pages cannot be turned after all, or nothing may be listed for a while."""
        self.pages.clear()
        self._boundary = None
        self.head.read_at = None

    def _seen_head(self, page: Planned, shown: Shown, now: float, cursors: bool) -> None:
        rows = own = shown.rows
        if cursors and shown.cursor is None:
            self.forget()  # all there is stands on one page
        elif cursors and rows:
            joined = self._boundary is not None and self._boundary in rows
            place = rows.index(self._boundary) if joined and self._boundary is not None else len(rows)
            if joined and place < _FULL_HEAD:
                own = rows[: place + 1]
            else:
                self._remember(rows[0], shown.planned(rows[1:place]), now)
                self._boundary, own = rows[0], rows[:1]
            if not joined:
                page.barren = 0
                self._walk_on(page, shown, now)
        self._plan(page, shown.planned(own), now)

    def _walk(self, now: float) -> None:
        """Begin to walk the list from its head to where it shows nobody any more."""
        self._walk_wait = _FIRST_WAIT if self._found >= WORTH else min(2 * self._walk_wait, _LONGEST_WAIT)
        self._walk_from, self._found = now + self._walk_wait, 0
        self._boundary = None
        self.pages.clear()

    def _walk_on(self, page: Planned, shown: Shown, now: float) -> None:
        """Go on to the next page of a walk, unless this one joins what is remembered or the walk brings nothing."""
        before, page.barren = page.barren, None
        cursor = shown.cursor
        if before is None or cursor is None or cursor in self.pages or len(self.pages) >= _MOST_PAGES:
            return
        joins = any(row in self.pages for row in shown.rows[1:])
        empty = before + 1 if shown.barren else 0
        if not joins and empty <= _BARREN:
            self.pages[cursor] = Planned(cursor, now, barren=empty)

    def _remember(self, after: str, intervals: Sequence[float], now: float) -> None:
        page = Planned(after, None, asked_at=self.head.asked_at, shown_at=self.head.shown_at)
        self._plan(page, intervals, now)
        if page.read_at is not None:
            self.pages[after] = page

    def _plan(self, page: Planned, intervals: Iterable[float], now: float) -> None:
        interval = interval_of(intervals, self.shortest)
        page.read_at = None if interval is None else now + interval

    def _late(self, now: float) -> bool:
        return any(page.read_at is not None and page.read_at < now - self.shortest for page in self.pages.values())

    def _all(self) -> list[Planned]:
        return [self.head, *self.pages.values()]
