"""Rendering in this process, for templates that are no danger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import Template

from bridge.models import VideoError
from bridge.rendering import SAMPLES, Form, Part, Sandbox, Slot, TemplateError, Told
from bridge.rendering.engine import render_message
from bridge.rendering.environment import TemplateEnvironment
from bridge.rendering.slots import MENTION_BREAK

COMPLETED = SAMPLES["video.completed"]
FAILED = SAMPLES["video.failed"]


@cache
def environment(slot: Slot) -> TemplateEnvironment:
    return TemplateEnvironment(slot)


@cache
def compiled(source: str, slot: Slot) -> Template:
    return environment(slot).from_string(source)


def plain(slot: Slot) -> Form:
    """A message that is one part in this slot."""
    return Form({"body": Part(slot)}, ("body",))


def rendered(source: str, slot: Slot = Slot.TEXT, told: Told = COMPLETED) -> str:
    return render_message(partial(compiled, source), plain(slot), told.as_dict()).parts["body"]


def refused(source: str, slot: Slot = Slot.TEXT, told: Told = COMPLETED) -> TemplateError:
    """The error of a template that must not render."""
    try:
        text = rendered(source, slot, told)
    except TemplateError as error:
        return error
    raise AssertionError(f"it rendered: {text[:200]}")


def prompting(prompt: str, **metadata: str) -> Told:
    """An event of a video with this prompt."""
    return replace(COMPLETED, video=replace(COMPLETED.video, prompt=prompt), metadata=metadata)


def failing(message: str | None) -> Told:
    """An event of a video that failed with this message."""
    return replace(FAILED, video=replace(FAILED.video, error=VideoError("odd", message)))


@asynccontextmanager
async def open_sandbox(**options: Any) -> AsyncIterator[Sandbox]:
    """A sandbox that is patient, unless told otherwise: the machines tests run on are shared."""
    sandbox = Sandbox(**{"seconds": 20.0, "check_seconds": 20.0, **options})
    try:
        yield sandbox
    finally:
        await sandbox.aclose()


def workers() -> list[int]:
    """The processes of all open sandboxes of this process, zombies among them; Linux only."""
    children = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # asyncio has a thread wait for each process, which may end just now
            children += (task / "children").read_text().split()
    return [int(pid) for pid in children]


def resident(pid: int) -> int:
    """How much memory a process holds, KiB; Linux only."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has gone meanwhile
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)


def read_json(text: str) -> str:
    """What a receiver reads that finds this between the quotes of a JSON string."""
    value = json.loads(f'"{text}"')
    assert isinstance(value, str)
    return value


def read_slack(text: str) -> str:
    """What people see where Slack finds this between the quotes of a JSON string; a live control is an error."""
    coded = read_json(text)
    assert "<" not in coded
    assert ">" not in coded
    assert "@here" not in coded.lower()
    seen = coded.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return seen.replace(MENTION_BREAK, "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.title: str | None = None
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.title = dict(attrs).get("title")

    def handle_data(self, data: str) -> None:
        self.text += data


def read_html(text: str) -> str:
    """What people see where a browser finds this in an element and in its attribute; a tag of its own is an error."""
    reader = _Reader()
    reader.feed(f'<p title="{text}">{text}</p>')
    reader.close()
    assert reader.tags == ["p"]
    assert reader.title == reader.text
    return reader.text


READERS: dict[Slot, Callable[[str], Any]] = {
    Slot.TEXT: str,
    Slot.LINE: str,
    Slot.HTML: read_html,
    Slot.JSON: read_json,
    Slot.SLACK: read_slack,
}
