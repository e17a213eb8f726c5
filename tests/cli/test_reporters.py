from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest
from rich.console import Console, RenderableType

from bridge.cli.reporters import BarReporter, JsonReporter, LineReporter, MessageReporter, bars, reporting
from tests.cli.samples import NOW, at_progress, completed, failed, lost, make_video, make_watch
from tests.cli.test_output import Screen
from tests.clock import ManualClock

Captured = pytest.CaptureFixture[str]


def lines_of(renderable: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_lines_are_printed_when_progress_moved(capsys: Captured) -> None:
    reporter = LineReporter()
    for watch in (make_watch(), make_watch(**at_progress(20)), make_watch(**at_progress(20), key="other")):
        reporter.changed(watch)
    captured = capsys.readouterr()
    assert captured.err == "video_abc  not seen yet\nvideo_abc  in_progress 20%\n"
    assert captured.out == ""


def test_lines_leave_the_end_to_the_result(capsys: Captured) -> None:
    LineReporter().changed(make_watch(**completed()))
    assert capsys.readouterr().err == ""


def test_trouble_and_its_end_are_said(capsys: Captured) -> None:
    reporter = MessageReporter()
    reporter.changed(make_watch())
    reporter.trouble("Trying again.")
    reporter.recovered()
    assert capsys.readouterr().err == "Trying again.\nThe server answers again.\n"


def test_json_is_one_object_per_line_beside_the_other_reporter(capsys: Captured) -> None:
    reporter = JsonReporter(LineReporter())
    reporter.changed(make_watch())
    reporter.changed(make_watch(**completed()))
    reporter.trouble("Away.")
    reporter.recovered()
    captured = capsys.readouterr()
    assert [json.loads(line)["status"] for line in captured.out.splitlines()] == ["watching", "completed"]
    assert captured.err == "video_abc  not seen yet\nAway.\nThe server answers again.\n"


def test_a_bar_shows_id_progress_status_and_time() -> None:
    (line,) = lines_of(bars([make_watch(**at_progress(50))], now=NOW + 65, width=80, height=10))
    video_id, bar, status, percent, *elapsed = line.split()
    assert (video_id, status, percent, elapsed) == ("video_abc", "in_progress", "50%", ["1m", "5s"])
    assert bar.startswith("━" * 10)


def test_ended_bars_show_how_and_stop_the_clock() -> None:
    watches = [make_watch(**completed()), make_watch(**failed()), make_watch(**lost())]
    lines = lines_of(bars(watches, now=NOW + 9999, width=80, height=10))
    assert [status in line for status, line in zip(["completed", "failed", "lost"], lines, strict=True)] == [True] * 3
    assert [line.rpartition("  ")[2].strip() for line in lines] == ["2m 5s", "1m", "1m"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bars_fit_the_terminal_with_room_for_an_echoed_interrupt(width: int) -> None:
    watch = make_watch(video_id="video_" + "x" * 100, video=make_video(progress=100))
    (line,) = lines_of(bars([watch], now=NOW + 86_399, width=width, height=10), width)
    assert len(line) <= width - 3


def test_bars_of_more_watches_than_lines_show_those_that_go_on() -> None:
    watches = [make_watch(video_id="done", **completed()), *(make_watch(video_id=f"v{n}") for n in range(5))]
    lines = lines_of(bars(watches, now=NOW, width=80, height=3))
    assert [line.split()[0] for line in lines[:-1]] == ["v0", "v1", "v2"]
    assert lines[-1] == "1 of 6 ended, 2 more going on"


def test_the_last_bars_of_many_hide_nothing() -> None:
    watches = [make_watch(video_id="last"), *(make_watch(**completed()) for _ in range(5))]
    assert lines_of(bars(watches, now=NOW, width=80, height=3))[-1] == "5 of 6 ended"


def test_bars_are_drawn_and_taken_away_again(clock: ManualClock) -> None:
    screen = Screen()
    console = Console(file=screen, width=80, height=24, force_terminal=True)
    reporter = BarReporter(clock, console)
    with reporter.live:
        reporter.changed(make_watch(**at_progress(45)))
        reporter.trouble("The server is away.")
        reporter.live.refresh()
        assert "in_progress 45%" in screen.getvalue()
        assert "The server is away." in screen.getvalue()
        reporter.recovered()
    # One line was drawn last, and that one line is erased.
    assert screen.getvalue().endswith("\n\x1b[?25h\r\x1b[1A\x1b[2K")


def test_a_terminal_gets_bars(clock: ManualClock) -> None:
    with redirect_stderr(Screen()), reporting(clock, as_json=False) as reporter:
        assert isinstance(reporter, BarReporter)


def test_a_log_gets_lines(clock: ManualClock) -> None:
    with redirect_stderr(io.StringIO()), reporting(clock, as_json=False) as reporter:
        assert isinstance(reporter, LineReporter)


def test_json_into_a_pipe_leaves_the_terminal_its_bars(clock: ManualClock, capsys: Captured) -> None:
    screen = Screen()
    with redirect_stderr(screen), reporting(clock, as_json=True) as reporter:
        reporter.changed(make_watch(**at_progress(45)))
    assert capsys.readouterr().out.count("\n") == 1
    assert "in_progress 45%" in screen.getvalue()


def test_json_on_the_terminal_itself_is_not_drawn_over(clock: ManualClock) -> None:
    screen = Screen()
    with redirect_stdout(screen), redirect_stderr(screen), reporting(clock, as_json=True) as reporter:
        reporter.changed(make_watch())
    assert json.loads(screen.getvalue())["id"] == make_watch()["id"]
