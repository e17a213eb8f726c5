from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from bridge.cli.bars import bars
from tests.cli.samples import NOW, WATCH_ID, at_progress, completed, failed, lost, make_video, make_watch


def lines_of(renderable: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_bar_shows_id_progress_status_and_time() -> None:
    (line,) = lines_of(bars([make_watch(**at_progress(50))], now=NOW + 65, width=80, height=10))
    video_id, bar, status, percent, *elapsed = line.split()
    assert (video_id, status, percent, elapsed) == ("video_abc", "in_progress", "50%", ["1m", "5s"])
    assert bar.startswith("━" * 8)


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


@pytest.mark.parametrize("width", [40, 50, 80, 120])
def test_the_time_left_fits_as_well(width: int) -> None:
    watch = make_watch(video_id="video_" + "x" * 100, **at_progress(99))
    (line,) = lines_of(bars([watch], now=NOW, width=width, height=10, ends={WATCH_ID: NOW + 86_399}), width)
    assert line.split()[-3:] == ["23h", "59m", "left"]
    assert len(line) <= width - 3


def test_a_narrow_terminal_shows_the_time_left_in_place_of_the_elapsed() -> None:
    watch = make_watch(**at_progress(50))
    (line,) = lines_of(bars([watch], now=NOW + 65, width=50, height=10, ends={WATCH_ID: NOW + 130}), 50)
    assert line.split()[0] == "video_abc"
    assert line.split()[-4:] == ["50%", "1m", "5s", "left"]


def test_a_wide_one_shows_both() -> None:
    watch = make_watch(**at_progress(50))
    (line,) = lines_of(bars([watch], now=NOW + 65, width=120, height=10, ends={WATCH_ID: NOW + 95}), 120)
    assert line.split()[-4:] == ["1m", "5s", "30s", "left"]


def test_a_video_that_outruns_its_forecast_may_end_at_any_moment() -> None:
    watch = make_watch(**at_progress(50))
    (line,) = lines_of(bars([watch], now=NOW + 65, width=80, height=10, ends={WATCH_ID: NOW + 60}))
    assert line.endswith("any moment")


def test_what_ended_has_no_time_left() -> None:
    (line,) = lines_of(bars([make_watch(**completed())], now=NOW, width=80, height=10, ends={WATCH_ID: NOW + 60}))
    assert line.endswith("2m 5s")
