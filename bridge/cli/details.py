"""One watch in full: the watch, its video, its destinations and what became of each delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bridge.cli.client import JsonObject
from bridge.cli.lines import EXCERPT, failure_of
from bridge.cli.output import plain
from bridge.cli.tables import destination_label, status_text
from bridge.cli.times import show_time

_VIDEO_TIMES = ("created_at", "completed_at", "expires_at")
_VIDEO_FIELDS = ("model", "seconds", "size", "prompt", "remixed_from_video_id")


def watch_details(
    watch: JsonObject, deliveries: Sequence[JsonObject], outlook: JsonObject | None = None
) -> RenderableType:
    """Everything the server knows of a watch, for people.

    :param outlook: when its video is looked at next, and why.
    """
    parts: list[RenderableType] = [_fields(_watch_fields(watch, outlook))]
    parts += _section("Video", [_fields(_video_fields(watch["video"]))] if watch["video"] else [])
    parts += _section("Destinations", [_destination(destination) for destination in watch["destinations"]])
    parts += _section("Deliveries", [_delivery(delivery) for delivery in deliveries])
    return Group(*parts)


def _section(title: str, parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="bold")
    for part in parts or [Text("none yet", style="dim")]:
        yield Padding(part, (0, 0, 0, 2), expand=False)


def _fields(fields: Iterator[tuple[str, Text]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in fields:
        table.add_row(name, value)
    return table


def _watch_fields(watch: JsonObject, outlook: JsonObject | None) -> Iterator[tuple[str, Text]]:
    reason = f" ({plain(watch['reason'])})" if watch["reason"] else ""
    yield "watch", Text(plain(watch["id"]), style="bold")
    yield "status", status_text(watch["status"], reason)
    yield "video", Text(plain(watch["video_id"]))
    yield "provider", Text(plain(watch["provider"]))
    yield "key", Text(plain(watch["key"]))
    for key, value in watch["metadata"].items():
        yield "metadata", Text(f"{plain(key)}={plain(value)}")
    by = f" by {plain(watch['created_by'])}" if watch["created_by"] else ""
    yield "created", Text(show_time(watch["created_at"]) + by)
    if watch["ended_at"] is None:
        yield "gives up", Text(show_time(watch["expires_at"]))
    else:
        yield "ended", Text(show_time(watch["ended_at"]))
    if outlook is not None:
        yield "outlook", Text(plain(outlook["reason"]))


def _video_fields(video: JsonObject) -> Iterator[tuple[str, Text]]:
    progress = "" if video["progress"] is None else f" {video['progress']}%"
    yield "status", status_text(video["status"] or "unknown", progress)
    if video["error"]:
        yield "error", Text(failure_of(video), style="red")
    for name in _VIDEO_FIELDS:
        if video[name] is not None:
            yield name.removesuffix("_video_id").replace("_", " "), Text(plain(video[name]))
    for name in _VIDEO_TIMES:
        if video[name] is not None:
            yield name.removesuffix("_at"), Text(show_time(video[name]))


def _destination(destination: JsonObject) -> Text:
    return Text.assemble(
        (plain(destination["name"] or destination["kind"]), "bold"),
        f"  {plain(destination['url'])}",
        "" if destination["enabled"] else ("  disabled", "red"),
        (f"\n  {plain(destination['id'])}\n  {plain(', '.join(destination['events']))}", "dim"),
    )


def _delivery(delivery: JsonObject) -> Text:
    reason = f": {plain(delivery['reason'])}" if delivery["reason"] else ""
    text = Text.assemble(
        (plain(delivery["id"]), "bold"),
        "  ",
        status_text(delivery["status"], reason),
        f"\n  {plain(delivery['event_type'])} → {destination_label(delivery['destination'])}",
        " (simplified message)" if delivery["degraded"] else "",
    )
    for line in _course(delivery):
        text.append(f"\n  {line}")
    return text


def _course(delivery: JsonObject) -> Iterator[str]:
    """What was tried and what comes next, the last attempt in detail."""
    attempts = delivery["attempts"]
    if attempts:
        last = attempts[-1]
        tries = "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts, the last"
        answer = "no answer" if last["status"] is None else f"HTTP {last['status']}"
        yield f"{tries} {show_time(last['at'])}: {answer} in {last['duration_ms']} ms"
        if last["response"] and delivery["status"] != "delivered":
            yield f"answer: {plain(last['response'][:EXCERPT])}"
    if delivery["next_attempt_at"] is not None:
        yield f"next attempt {show_time(delivery['next_attempt_at'])}"
