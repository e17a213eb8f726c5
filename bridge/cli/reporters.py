"""Ways to show watches that are followed: progress bars, lines of text, lines of JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bridge.cli.client import JsonObject
from bridge.cli.follow import Reporter, ended
from bridge.cli.lines import progress_line, progress_of
from bridge.cli.output import plain, say, show_json_line, stderr
from bridge.cli.tables import STYLES, status_text
from bridge.cli.times import show_duration
from bridge.clock import Clock

_REFRESH_PER_SECOND = 8
# Lines of the terminal that the bars leave for the summary, a message and the cursor.
_OTHER_LINES = 3
# Widths of the columns, characters; "in_progress 100%" and "23h 59m" are the longest that are usual.
_SHORTEST_ID, _LONGEST_ID = 8, 60
_BAR = 20
_STATUS = 16
_ELAPSED = 7
_GAP = 2
# Room at the end of a line for the ^C that the terminal echoes; wrapped, it would push the bars down by a line.
_ECHO = 3


@contextmanager
def reporting(clock: Clock, *, as_json: bool) -> Iterator[Reporter]:
    """The reporter that suits the streams: bars where a person watches and JSON does not run across them."""
    console = stderr()
    if console.is_interactive and not (as_json and sys.stdout.isatty()):
        bars = BarReporter(clock, console)
        with bars.live:
            yield JsonReporter(bars) if as_json else bars
    else:
        yield JsonReporter(MessageReporter()) if as_json else LineReporter()


class MessageReporter:
    """Says on stderr when the server goes and comes back, and nothing else."""

    def changed(self, watch: JsonObject) -> None:
        """Say nothing."""

    def trouble(self, message: str) -> None:
        """Say that the server is away."""
        say(message)

    def recovered(self) -> None:
        """Say that it is back."""
        say("The server answers again.")


class LineReporter(MessageReporter):
    """One line on stderr each time the progress of a video moved."""

    def __init__(self) -> None:
        self._last: dict[str, Text] = {}

    def changed(self, watch: JsonObject) -> None:
        """Print a line unless it would repeat the last; how the watch ended is told elsewhere."""
        line = progress_line(watch)
        if not ended(watch) and line != self._last.get(watch["id"]):
            self._last[watch["id"]] = line
            say(line)


class JsonReporter:
    """One JSON object on stdout for each change, beside another reporter for the person."""

    def __init__(self, beside: Reporter) -> None:
        self._beside = beside

    def changed(self, watch: JsonObject) -> None:
        """Print the watch."""
        show_json_line(watch)
        self._beside.changed(watch)

    def trouble(self, message: str) -> None:
        """Pass it on."""
        self._beside.trouble(message)

    def recovered(self) -> None:
        """Pass it on."""
        self._beside.recovered()


class BarReporter:
    """A progress bar for each watch that fits the terminal; they vanish when :attr:`live` ends."""

    def __init__(self, clock: Clock, console: Console) -> None:
        self._clock = clock
        self._console = console
        self._watches: dict[str, JsonObject] = {}
        self._trouble: str | None = None
        self.live = Live(
            get_renderable=self._render,
            console=console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
            # Results go to stdout, which may be a pipe: they must not be drawn above the bars on stderr.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def changed(self, watch: JsonObject) -> None:
        """Keep the watch for the next drawing."""
        self._watches[watch["id"]] = watch

    def trouble(self, message: str) -> None:
        """Show a message below the bars."""
        self._trouble = message

    def recovered(self) -> None:
        """Take the message away."""
        self._trouble = None

    def _render(self) -> RenderableType:
        # Called by the thread that draws: the list is taken in one step, the loop may add watches meanwhile.
        watches = list(self._watches.values())
        size = self._console.size
        parts = [bars(watches, now=self._clock.now(), width=size.width, height=size.height - _OTHER_LINES)]
        if self._trouble is not None:
            parts.append(Text(plain(self._trouble), style="yellow"))
        return Group(*parts)


def bars(watches: Sequence[JsonObject], *, now: float, width: int, height: int) -> RenderableType:
    """Bars for as many watches as ``height`` lines hold; where they are too few, only those that go on."""
    if len(watches) <= height:
        return _grid(watches, now, width)
    going_on = [watch for watch in watches if not ended(watch)]
    shown = going_on[: max(1, height)]
    note = f"{len(watches) - len(going_on)} of {len(watches)} ended"
    hidden = len(going_on) - len(shown)
    return Group(_grid(shown, now, width), Text(f"{note}, {hidden} more going on" if hidden else note, style="dim"))


def _grid(watches: Sequence[JsonObject], now: float, width: int) -> Table:
    room = width - _BAR - _STATUS - _ELAPSED - 3 * _GAP - _ECHO
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=min(_LONGEST_ID, max(_SHORTEST_ID, room)))
    table.add_column(width=_BAR)
    table.add_column(width=_STATUS, no_wrap=True)
    table.add_column(width=_ELAPSED, no_wrap=True, justify="right")
    for watch in watches:
        until = watch["ended_at"] or now
        table.add_row(
            plain(watch["video_id"]),
            _bar(watch),
            status_text(watch["status"]) if ended(watch) else Text(progress_of(watch), style="cyan"),
            show_duration(until - watch["created_at"]),
        )
    return table


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
