from __future__ import annotations

import io

from rich.console import Console

from bridge.cli.client import JsonObject
from bridge.cli.details import watch_details
from tests.cli.samples import (
    DELIVERY_ID,
    NOW,
    WATCH_ID,
    completed,
    failed,
    lost,
    make_attempt,
    make_delivery,
    make_destination,
    make_video,
    make_watch,
)


def shown(watch: JsonObject, *deliveries: JsonObject, width: int = 100) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(watch_details(watch, deliveries))
    return [line.rstrip() for line in capture.get().splitlines()]


def fields(lines: list[str]) -> dict[str, str]:
    """The lines of name and value, by name."""
    return dict(line.split(maxsplit=1) for line in lines if len(line.split()) > 1)


def section(lines: list[str], title: str) -> list[str]:
    start = lines.index(title) + 1
    return lines[start : lines.index("", start) if "" in lines[start:] else None]


def test_a_watch_shows_all_its_fields() -> None:
    watch = make_watch(metadata={"campaign": "spring"}, created_by="ci")
    found = fields(shown(watch))
    assert (found["watch"], found["status"], found["provider"]) == (WATCH_ID, "watching", "openai")
    assert (found["key"], found["metadata"]) == (watch["key"], "campaign=spring")
    assert found["created"].endswith(" by ci")


def test_a_watch_that_goes_on_says_when_it_gives_up() -> None:
    assert "gives" in fields(shown(make_watch()))
    assert "ended" not in fields(shown(make_watch()))


def test_the_outlook_stands_in_the_column_of_all_other_values() -> None:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    with console.capture() as capture:
        console.print(watch_details(make_watch(), (), {"reason": "look in 5 s"}))
    lines = {line.split()[0]: line for line in capture.get().splitlines()[:8]}
    assert lines["outlook"].index("look in 5 s") == lines["video"].index("video_abc")


def test_a_watch_that_ended_says_when_and_why() -> None:
    found = fields(shown(make_watch(**lost())))
    assert found["status"] == "lost (not_found)"
    assert "ended" in found


def test_the_video_shows_what_is_known_of_it() -> None:
    video = make_video(remixed_from_video_id="video_0", expires_at=NOW + 9, model=None)
    lines = section(shown(make_watch(video=video)), "Video")
    names = [line.split()[0] for line in lines]
    assert names == ["status", "seconds", "size", "prompt", "remixed", "created", "expires"]
    assert "in_progress 45%" in lines[0]


def test_a_failed_video_shows_its_error() -> None:
    lines = section(shown(make_watch(**failed())), "Video")
    assert fields(lines)["error"] == "moderation_blocked – The prompt was refused."


def test_a_video_of_unknown_status_is_shown_all_the_same() -> None:
    lines = section(shown(make_watch(video=make_video(status=None, progress=None))), "Video")
    assert fields(lines)["status"] == "unknown"


def test_what_is_not_there_yet_is_said() -> None:
    lines = shown(make_watch())
    assert section(lines, "Video") == ["  none yet"]
    assert section(lines, "Deliveries") == ["  none yet"]


def test_destinations_show_kind_or_name_and_whether_they_are_disabled() -> None:
    watch = make_watch(destinations=[make_destination(), make_destination(name="team", enabled=False)])
    lines = section(shown(watch), "Destinations")
    assert lines[0] == "  callback  https://example.com/hook"
    assert lines[1:3] == ["    dest_01k9yh3zt0e8s2m4v6x8z0b2d5", "    video.completed, video.failed"]
    assert lines[3] == "  team  https://example.com/hook  disabled"


def test_a_failed_delivery_shows_its_last_attempt_and_the_answer() -> None:
    attempts = [make_attempt(), make_attempt(number=2, response="no such\nhook")]
    lines = section(shown(make_watch(**completed()), make_delivery(attempts=attempts)), "Deliveries")
    assert lines[0] == f"  {DELIVERY_ID}  failed: client_error"
    assert lines[1] == "    video.completed → https://example.com/hook"
    assert lines[2].startswith("    2 attempts, the last ")
    assert lines[2].endswith(": HTTP 404 in 12 ms")
    assert lines[3] == "    answer: no such hook"


def test_a_pending_delivery_shows_when_it_is_tried_next() -> None:
    delivery = make_delivery(
        status="pending",
        next_attempt_at=NOW + 300,
        reason="timeout",
        attempts=[make_attempt(status=None, response=None)],
    )
    lines = section(shown(make_watch(), delivery), "Deliveries")
    assert "1 attempt " in lines[2]
    assert ": no answer in 12 ms" in lines[2]
    assert lines[3].startswith("    next attempt ")


def test_a_delivered_delivery_keeps_the_answer_to_itself() -> None:
    delivery = make_delivery(status="delivered", reason=None, degraded=True, attempts=[make_attempt(status=200)])
    lines = section(shown(make_watch(), delivery), "Deliveries")
    assert lines[0] == f"  {DELIVERY_ID}  delivered"
    assert lines[1].endswith("(simplified message)")
    assert len(lines) == 3


def test_a_delivery_that_was_not_tried_yet_has_no_course() -> None:
    delivery = make_delivery(status="pending", reason=None, attempts=[], next_attempt_at=None)
    assert len(section(shown(make_watch(), delivery), "Deliveries")) == 2


def test_long_values_are_folded_within_the_terminal() -> None:
    lines = shown(make_watch(video=make_video(prompt="x" * 500)), make_delivery(), width=80)
    assert max(map(len, lines)) <= 80
    assert sum(line.count("x") for line in section(lines, "Video")) >= 500


def test_values_cannot_drive_the_terminal() -> None:
    watch = make_watch(video=make_video(prompt="\x1b[2J"), metadata={"\x9b": "\x1b"})
    delivery = make_delivery(attempts=[make_attempt(response="\x1b]0;gotcha\x07")])
    assert "\x1b" not in "".join(shown(watch, delivery))
