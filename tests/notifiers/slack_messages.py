"""Slack messages for the tests: composed by hand, and rendered from the packaged templates."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.models import EventType
from bridge.notifiers.base import Address
from bridge.notifiers.slack import SlackNotifier
from bridge.rendering.messages import FORMS
from bridge.rendering.packaged import PackagedTemplates
from bridge.rendering.samples import SAMPLES
from bridge.rendering.told import Told
from bridge.resources import templates_dir

REWRITE = "UPDATE_SNAPSHOTS"
URL = "https://hooks.slack.com/services/T000/B000/secret"
ADDRESS = Address(URL)
TOLD = SAMPLES[EventType.VIDEO_COMPLETED]
PICTURE = {"type": "image", "image_url": "https://cdn.example.com/still.jpg", "alt_text": "A still"}

_SNAPSHOTS = Path(__file__).parent / "snapshots" / "slack"
_PACKAGED = PackagedTemplates(templates_dir())


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str = "Done.", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def composed(message: Any) -> bytes:
    """What would be stored and sent for a rendered message."""
    text = message if isinstance(message, str) else json.dumps(message)
    return SlackNotifier().compose({"body": text}, TOLD, ADDRESS)


def packaged(told: Told) -> bytes:
    """What would be stored and sent for an event whose destination has no template of its own."""
    return composed(_PACKAGED.render("slack", FORMS["slack"], told).parts["body"])


def sample(event_type: EventType, **video: Any) -> Told:
    """An ordinary event of this type, with these fields of its video."""
    told = SAMPLES[event_type]
    return replace(told, video=replace(told.video, **video))


def check_snapshot(name: str, body: bytes) -> None:
    """Compare a message with the one that was reviewed; with ``UPDATE_SNAPSHOTS=1`` write it, to be reviewed again."""
    file = _SNAPSHOTS / f"{name}.json"
    text = json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get(REWRITE):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, f"{name} is another message now; {REWRITE}=1 writes it anew"
