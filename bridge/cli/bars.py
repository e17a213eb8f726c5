"""The drawing of progress bars: one line for each watch that is followed, whatever the width of the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bridge.cli.client import JsonObject
from bridge.cli.follow import ended
from bridge.cli.lines import progress_of
from bridge.cli.output import plain
from bridge.cli.tables import STYLES, status_text
from bridge.cli.times import show_duration

_SHORTEST_ID, _LONGEST_ID = 8, 60
_GAP = 2
# Room at the end of a line for the ^C that the terminal echoes; wrapped, it would push the bars down by a line.
_ECHO = 3


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths beside the id, characters; 0: the column is left out.

    :param status: 16 holds "in_progress 100%", less only "100%".
    :param elapsed: where it is left out, the last column has it until there is a forecast.
    :param left: "23h 59m left" is the longest that is usual.
    """

    bar: int
    status: int
    elapsed: int
    left: int = 12

    @property
    def total(self) -> int:
        """All of them, with what stands between and behind."""
        shown = [width for width in (self.bar, self.status, self.elapsed, self.left) if width]
        return sum(shown) + _GAP * len(shown) + _ECHO


# From how many characters on, the widest first.
_LAYOUTS = ((100, Columns(20, 16, 7)), (64, Columns(16, 16, 0)), (48, Columns(8, 12, 0)), (0, Columns(0, 12, 0)))
_WHOLE_STATUS = 16


def bars(
    watches: Sequence[JsonObject],
    *,
    now: float,
    width: int,
    height: int,
    ends: Mapping[str, float | None] | None = None,
) -> RenderableType:
    """Bars for as many watches as ``height`` lines hold; where they are too few, only those that go on.

    :param ends: when their videos will probably end, by id, as far as that is known; Unix seconds.
    """
    grid = _Grid(now, width, ends or {})
    if len(watches) <= height:
        return grid.of(watches)
    going_on = [watch for watch in watches if not ended(watch)]
    shown = going_on[: max(1, height)]
    note = f"{len(watches) - len(going_on)} of {len(watches)} ended"
    hidden = len(going_on) - len(shown)
    return Group(grid.of(shown), Text(f"{note}, {hidden} more going on" if hidden else note, style="dim"))


@dataclass(frozen=True, slots=True)
class _Grid:
    now: float
    width: int
    ends: Mapping[str, float | None]

    def of(self, watches: Sequence[JsonObject]) -> Table:
        columns = next(columns for least, columns in _LAYOUTS if self.width >= least)
        room = self.width - columns.total
        table = Table.grid(padding=(0, _GAP, 0, 0))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=min(_LONGEST_ID, max(_SHORTEST_ID, room)))
        for width in (columns.bar, columns.status):
            if width:
                table.add_column(width=width, no_wrap=True)
        for width in (columns.elapsed, columns.left):
            if width:
                table.add_column(width=width, no_wrap=True, justify="right")
        for watch in watches:
            table.add_row(*self._cells(watch, columns))
        return table

    def _cells(self, watch: JsonObject, columns: Columns) -> list[RenderableType]:
        cells: list[RenderableType] = [plain(watch["video_id"])]
        if columns.bar:
            cells.append(_bar(watch))
        cells.append(_status(watch, short=columns.status < _WHOLE_STATUS))
        elapsed, left = show_duration((watch["ended_at"] or self.now) - watch["created_at"]), self._left(watch)
        return cells + ([elapsed, left] if columns.elapsed else [left or elapsed])

    def _left(self, watch: JsonObject) -> str:
        end = self.ends.get(watch["id"])
        if end is None or ended(watch):
            return ""
        return f"{show_duration(end - self.now)} left" if end - self.now >= 1 else "any moment"


def _status(watch: JsonObject, *, short: bool) -> Text:
    if ended(watch):
        return status_text(watch["status"])
    shown = progress_of(watch)
    return Text(shown.removeprefix("in_progress ") if short else shown, style="cyan")


def _bar(watch: JsonObject) -> ProgressBar:
    progress = (watch["video"] or {}).get("progress")
    if watch["status"] == "completed":
        progress = 100
    elif ended(watch):
        progress = progress or 0
    style = STYLES.get(watch["status"], "cyan")
    return ProgressBar(
        total=100, completed=progress or 0, pulse=progress is None, complete_style=style, finished_style=style
    )
