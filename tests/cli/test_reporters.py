from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest
from rich.console import Console

from bridge.cli.reporters import BarReporter, JsonReporter, LineReporter, MessageReporter, reporting
from tests.cli.samples import at_progress, completed, make_watch
from tests.cli.test_output import Screen
from tests.clock import ManualClock

Captured = pytest.CaptureFixture[str]


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


def test_what_is_wrong_with_a_provider_is_said_once_and_once_that_it_is_well(capsys: Captured) -> None:
    reporter = JsonReporter(LineReporter())
    for notes in (["openai: refused"], ["openai: refused", "azure: silent"], ["azure: silent"], []):
        reporter.amiss(notes)
    assert capsys.readouterr().err == "openai: refused\nazure: silent\nThe provider answers again.\n"


def test_json_is_one_object_per_line_beside_the_other_reporter(capsys: Captured) -> None:
    reporter = JsonReporter(LineReporter())
    reporter.changed(make_watch())
    reporter.changed(make_watch(**completed()))
    reporter.trouble("Away.")
    reporter.recovered()
    captured = capsys.readouterr()
    assert [json.loads(line)["status"] for line in captured.out.splitlines()] == ["watching", "completed"]
    assert captured.err == "video_abc  not seen yet\nAway.\nThe server answers again.\n"


def test_bars_are_drawn_and_taken_away_again(clock: ManualClock) -> None:
    screen = Screen()
    console = Console(file=screen, width=80, height=24, force_terminal=True)
    reporter = BarReporter(clock, console)
    with reporter.live:
        reporter.changed(make_watch(**at_progress(45)))
        reporter.trouble("The server is away.")
        reporter.amiss(["openai: the provider refuses our key (401)"])
        reporter.live.refresh()
        assert "in_progress 45%" in screen.getvalue()
        assert "The server is away." in screen.getvalue()
        assert "refuses our key" in screen.getvalue()
        reporter.recovered()
        reporter.amiss([])
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
