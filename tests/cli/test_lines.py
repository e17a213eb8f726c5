from __future__ import annotations

import pytest

from bridge.cli.client import JsonObject
from bridge.cli.lines import progress_line, progress_of, registered_line, result_line, secret_lines, watch_line
from tests.cli.samples import (
    SECRET,
    WATCH_ID,
    at_progress,
    completed,
    failed,
    lost,
    make_destination,
    make_video,
    make_watch,
    timed_out,
)


def test_a_watch_in_short() -> None:
    assert watch_line(make_watch()).plain == f"{WATCH_ID}  video_abc  watching"


def test_a_registered_watch_names_all_it_tells() -> None:
    watch = make_watch(destinations=[make_destination(name="team", kind="slack"), make_destination(enabled=False)])
    line = registered_line(watch, width=500).plain
    assert line.endswith("watching  → slack team, callback https://example.com/hook (disabled)")


def test_what_does_not_fit_goes_on_the_next_line() -> None:
    first, second = registered_line(make_watch(), width=80).plain.split("\n")
    assert first == watch_line(make_watch()).plain
    assert second == "  → callback https://example.com/hook"


def test_a_signing_secret_is_shown_once_for_many_watches() -> None:
    watch = make_watch(destinations=[make_destination(signing_secret=SECRET)])
    lines = [line.plain for line in secret_lines([watch, watch])]
    assert lines[0] == f"Signing secret of https://example.com/hook:\n  {SECRET}"
    assert "Standard Webhooks" in lines[1]
    assert len(lines) == 2


def test_without_a_secret_there_is_nothing_to_say_about_it() -> None:
    assert list(secret_lines([make_watch(), make_watch(destinations=[make_destination(signing_secret=None)])])) == []


@pytest.mark.parametrize(
    ("video", "shown"),
    [
        (None, "not seen yet"),
        (make_video(status=None), "not seen yet"),
        (make_video(status="queued", progress=None), "queued"),
        (make_video(progress=0), "in_progress 0%"),
    ],
)
def test_progress_says_what_is_known(video: JsonObject | None, shown: str) -> None:
    assert progress_of(make_watch(video=video)) == shown


def test_a_progress_line_is_for_logs() -> None:
    assert progress_line(make_watch(**at_progress(45))).plain == "video_abc  in_progress 45%"


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (completed(), "✓ video_abc completed after 2m 5s"),
        (failed(), "✗ video_abc failed: moderation_blocked – The prompt was refused."),
        (failed(code="", message="Refused."), "✗ video_abc failed: Refused."),
        ({"status": "failed"}, "✗ video_abc failed: no reason given"),
        (lost(), "✗ video_abc lost: the provider does not know this video"),
        (lost("forbidden"), "✗ video_abc lost: the provider does not show this video to our key"),
        (lost("elsewhere"), "✗ video_abc lost: elsewhere"),
        ({"status": "cancelled", "ended_at": None}, "✗ video_abc cancelled"),
    ],
)
def test_a_result_says_how_it_ended_and_why(change: JsonObject, shown: str) -> None:
    assert result_line(make_watch(**change), 200).plain == f"{shown}  {WATCH_ID}"


def test_a_watch_that_timed_out_says_when_and_how_far_the_video_was() -> None:
    line = result_line(make_watch(**timed_out()), 200).plain
    assert line.startswith("✗ video_abc timed_out: not ended by 2025-11-2")
    assert "last seen in_progress 45%" in line


def test_text_of_others_cannot_drive_the_terminal() -> None:
    watch = make_watch(video_id="v\x1b[2J", **failed(message="\x1b]0;gotcha\x07"))
    for line in (watch_line(watch), registered_line(watch, 80), result_line(watch, 80), progress_line(watch)):
        assert "\x1b" not in line.plain


@pytest.mark.parametrize("width", [60, 80])
def test_ids_that_do_not_fit_begin_a_new_line(width: int) -> None:
    watch = make_watch(**completed(), video_id="v" * 30)
    lines = [*result_line(watch, width).plain.split("\n"), *registered_line(watch, width).plain.split("\n")]
    assert max(map(len, lines)) <= width
    assert any(line.strip() == WATCH_ID for line in lines)
