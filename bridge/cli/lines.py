"""Watches in a line or two: when they are registered, while they are followed and when they have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from bridge.cli.client import JsonObject
from bridge.cli.output import plain
from bridge.cli.tables import STYLES, destination_label, status_text
from bridge.cli.times import show_duration, show_time
from bridge.models import Reason
from bridge.reasons import OF_THE_HOST, because

EXCERPT = 200
"""Of a receiver's answer, as much as helps to recognise it, characters."""

_LOST = {
    "not_found": "the provider does not know this video",
    "forbidden": "the provider does not show this video to our key",
}


def watch_line(watch: JsonObject) -> Text:
    """A watch in short: id, video, status."""
    return Text.assemble(
        (plain(watch["id"]), "bold"), "  ", plain(watch["video_id"]), "  ", status_text(watch["status"])
    )


def registered_line(watch: JsonObject, width: int) -> Text:
    """A watch just registered and whom it tells, on as many lines as ``width`` asks for."""
    line = Text.assemble((plain(watch["id"]), "bold"))
    video = Text.assemble(plain(watch["video_id"]), "  ", status_text(watch["status"]))
    told = Text(f"→ {', '.join(_told(destination) for destination in watch['destinations'])}")
    return _joined([line, video, told], width)


def destination_line(destination: JsonObject) -> Text:
    """A destination in short: name, kind, URL, whether it is enabled."""
    state = "enabled" if destination["enabled"] else "disabled"
    return Text.assemble(
        (plain(destination["name"] or destination["id"]), "bold"),
        f"  {plain(destination['kind'])} {plain(destination['url'])}  ",
        status_text(state, "  default" if destination["default"] else ""),
    )


def attempt_lines(attempt: JsonObject, url: str | None = None) -> Iterator[Text]:
    """What came of one attempt; of a failed one what was answered, or where there was no answer.

    :param url: where it went, as far as the server shows that.
    """
    good = attempt["outcome"] == "delivered"
    answer = "no answer" if attempt["status"] is None else f"HTTP {attempt['status']}"
    reason = f": {plain(attempt['reason'])}" if attempt["reason"] else ""
    yield Text.assemble(
        ("✓ delivered" if good else f"✗ not delivered{reason}", STYLES["delivered" if good else "failed"]),
        f"  {answer} in {attempt['duration_ms']} ms",
    )
    if attempt["response"] and not good:
        yield Text(f"  answer: {plain(attempt['response'][:EXCERPT])}")
    elif url is not None and attempt["reason"] in OF_THE_HOST:
        yield Text(f"  {plain(because(Reason(attempt['reason']), url))}")


def secret_lines(watches: Sequence[JsonObject]) -> Iterator[Text]:
    """The signing secrets shown in answers to registrations, each once, and what they are for."""
    secrets = {
        destination["signing_secret"]: destination["url"]
        for watch in watches
        for destination in watch["destinations"]
        if destination.get("signing_secret")
    }
    for secret, url in secrets.items():
        yield Text.assemble("Signing secret of ", plain(url), ":\n  ", (plain(secret), "bold"))
    if secrets:
        yield Text("The receiver verifies the webhook-signature header with it (Standard Webhooks); keep it secret.")


def progress_of(watch: JsonObject) -> str:
    """How far the video of a watch is: ``in_progress 45%``, ``queued``, ``not seen yet``."""
    video = watch["video"]
    if video is None or video["status"] is None:
        return "not seen yet"
    progress = video["progress"]
    return plain(video["status"] if progress is None else f"{video['status']} {progress}%")


def progress_line(watch: JsonObject) -> Text:
    """A watch that goes on, for logs."""
    return Text(f"{plain(watch['video_id'])}  {progress_of(watch)}")


def result_line(watch: JsonObject, width: int) -> Text:
    """How a watch ended, with its id on a line of its own where ``width`` is too small."""
    good = watch["status"] == "completed"
    result = Text.assemble(
        ("✓ " if good else "✗ ", STYLES.get(watch["status"], "")),
        (plain(watch["video_id"]), "bold"),
        " ",
        status_text(watch["status"]),
        _why(watch),
    )
    return _joined([result, Text.assemble((plain(watch["id"]), "dim"))], width)


def _why(watch: JsonObject) -> str:
    status = watch["status"]
    if status == "failed":
        return f": {failure_of(watch['video']) or 'no reason given'}"
    if status == "lost":
        return f": {_LOST.get(watch['reason'], plain(watch['reason']))}"
    if status == "timed_out":
        return f": not ended by {show_time(watch['expires_at'])}, last seen {progress_of(watch)}"
    if watch["ended_at"] is None:
        return ""
    return f" after {show_duration(watch['ended_at'] - watch['created_at'])}"


def _joined(parts: Sequence[Text], width: int) -> Text:
    """Parts in one line as far as they fit; what does not begins a new one, indented."""
    whole, length = Text(), 0
    for part in parts:
        fits = length == 0 or length + 2 + part.cell_len <= width
        whole.append("  " if length and fits else "" if fits else "\n  ").append_text(part)
        length = length + 2 + part.cell_len if fits else 2 + part.cell_len
    return whole


def failure_of(video: JsonObject | None) -> str:
    """Code and message of a failed video, as far as they are known."""
    error = (video or {}).get("error") or {}
    return plain(" – ".join(part for part in (error.get("code"), error.get("message")) if part))


def _told(destination: JsonObject) -> str:
    note = "" if destination["enabled"] else " (disabled)"
    return f"{plain(destination['kind'])} {destination_label(destination)}{note}"
