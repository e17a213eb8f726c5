"""Ways to show watches that are followed: progress bars, lines of text, lines of JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from bridge.cli.bars import bars
from bridge.cli.client import JsonObject
from bridge.cli.follow import ended
from bridge.cli.forecast import Screen
from bridge.cli.lines import progress_line
from bridge.cli.output import plain, say, show_json_line, stderr
from bridge.cli.standings import Notes
from bridge.clock import Clock

_REFRESH_PER_SECOND = 8
# Lines of the terminal that the bars leave for the summary, a message and the cursor.
_OTHER_LINES = 3


class FollowScreen(Screen, Notes, Protocol):
    """All that is shown of watches that are followed."""


@contextmanager
def reporting(clock: Clock, *, as_json: bool) -> Iterator[FollowScreen]:
    """The reporter that suits the streams: bars where a person watches and JSON does not run across them."""
    console = stderr()
    if console.is_interactive and not (as_json and sys.stdout.isatty()):
        bars = BarReporter(clock, console)
        with bars.live:
            yield JsonReporter(bars) if as_json else bars
    else:
        yield JsonReporter(MessageReporter()) if as_json else LineReporter()


class MessageReporter:
    """Says on stderr when the server goes and comes back, and what is wrong with providers; nothing else."""

    foretells = False

    def __init__(self) -> None:
        self._amiss: list[str] = []

    def changed(self, watch: JsonObject) -> None:
        """Say nothing."""

    def expected(self, watch_id: str, end: float | None) -> None:
        """Say nothing."""

    def trouble(self, message: str) -> None:
        """Say that the server is away."""
        say(message)

    def recovered(self) -> None:
        """Say that it is back."""
        say("The server answers again.")

    def amiss(self, notes: Sequence[str]) -> None:
        """Say what was not said before, and once that all is well again."""
        for note in notes:
            if note not in self._amiss:
                say(note)
        if self._amiss and not notes:
            say("The provider answers again.")
        self._amiss = list(notes)


class LineReporter(MessageReporter):
    """One line on stderr each time the progress of a video moved."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, Text] = {}

    def changed(self, watch: JsonObject) -> None:
        """Print a line unless it would repeat the last; how the watch ended is told elsewhere."""
        line = progress_line(watch)
        if not ended(watch) and line != self._last.get(watch["id"]):
            self._last[watch["id"]] = line
            say(line)


class JsonReporter:
    """One JSON object on stdout for each change, beside another reporter for the person."""

    def __init__(self, beside: FollowScreen) -> None:
        self._beside = beside

    @property
    def foretells(self) -> bool:
        """Whether the other one does; JSON shows watches and nothing else."""
        return self._beside.foretells

    def expected(self, watch_id: str, end: float | None) -> None:
        """Pass it on."""
        self._beside.expected(watch_id, end)

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

    def amiss(self, notes: Sequence[str]) -> None:
        """Pass it on."""
        self._beside.amiss(notes)


class BarReporter:
    """A progress bar for each watch that fits the terminal; they vanish when :attr:`live` ends."""

    foretells = True

    def __init__(self, clock: Clock, console: Console) -> None:
        self._clock = clock
        self._console = console
        self._watches: dict[str, JsonObject] = {}
        self._ends: dict[str, float | None] = {}
        self._trouble: str | None = None
        self._amiss: Sequence[str] = ()
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

    def expected(self, watch_id: str, end: float | None) -> None:
        """Show how long the video will probably take yet."""
        self._ends[watch_id] = end

    def trouble(self, message: str) -> None:
        """Show a message below the bars."""
        self._trouble = message

    def recovered(self) -> None:
        """Take the message away."""
        self._trouble = None

    def amiss(self, notes: Sequence[str]) -> None:
        """Show the notes below the bars."""
        self._amiss = notes

    def _render(self) -> RenderableType:
        # Called by the thread that draws: the list is taken in one step, the loop may add watches meanwhile.
        watches = list(self._watches.values())
        size = self._console.size
        rows, ends = size.height - _OTHER_LINES - len(self._amiss), dict(self._ends)
        parts = [bars(watches, now=self._clock.now(), width=size.width, height=rows, ends=ends)]
        said = [*self._amiss, *([] if self._trouble is None else [self._trouble])]
        parts += [Text(plain(each), style="yellow") for each in said]
        return Group(*parts)
