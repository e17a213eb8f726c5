"""A message as plain text, for a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.models import EventType
from bridge.notifiers.slack_preview import preview
from tests.notifiers.slack_messages import PICTURE, mrkdwn, packaged, plain, sample, section


def shown(*blocks: Any, **message: Any) -> str:
    return preview(json.dumps({"blocks": list(blocks), **message}).encode())


def test_a_message_reads_like_a_note() -> None:
    body = packaged(sample(EventType.VIDEO_COMPLETED, prompt="Cats & <dogs>"))
    assert preview(body).split("\n")[:5] == [
        "✅ Video completed",
        "│ Cats & <dogs>",
        "[picture: Still of the video]",
        "Model: sora-2-pro at openai",
        "Format: 8 s, 1280x720",
    ]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("*bold* and 2*3*4", "bold and 2*3*4"),
        ("<https://x.example/?a&amp;b|Open>", "Open (https://x.example/?a&b)"),
        ("<https://x.example>", "https://x.example"),
        ("&lt;!channel&gt; &amp;amp;", "<!channel> &amp;"),
        (">quoted\nnot quoted", "│ quoted\nnot quoted"),
        ("\x1b[31mred\x07 \u202egnp.exe\x9b", "[31mred gnp.exe"),
    ],
)
def test_markup_becomes_text_and_nothing_acts_on_the_terminal(markup: str, text: str) -> None:
    assert shown(section(markup)) == text


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "header", "text": plain("Done")}, "Done"),
        ({"type": "divider"}, "─" * 40),
        (PICTURE, "[picture: A still]"),
        (section("a", accessory=PICTURE), "a\n[picture: A still]"),
        ({"type": "section", "fields": [mrkdwn("*Size*\n1x1"), mrkdwn("alone")]}, "Size: 1x1\nalone"),
        ({"type": "context", "elements": [mrkdwn("a"), PICTURE]}, "a  ·  [picture: A still]"),
        (
            {"type": "actions", "elements": [{"type": "button", "text": plain("Go"), "url": "https://x"}]},
            "[Go] https://x",
        ),
        ({"type": "actions", "elements": [{"type": "button", "text": plain("Go")}, {"type": "datepicker"}]}, "[Go]"),
        ({"type": "markdown", "text": "# Title"}, "# Title"),
        ({"type": "hologram"}, ""),
    ],
)
def test_each_kind_of_block_has_its_line(block: Any, text: str) -> None:
    assert shown(block) == text


def test_a_message_without_blocks_is_its_text() -> None:
    assert shown(text="*Done*") == "Done"


def test_attachments_follow() -> None:
    attachments = [{"fallback": "spare"}, {"fallback": "spare", "text": "told"}, {"blocks": [section("inside")]}]
    assert shown(section("first"), attachments=attachments) == "first\nspare\ntold\ninside"


def test_a_message_of_attachments_alone_is_what_they_say() -> None:
    assert shown(attachments=[{"text": "told"}]) == "told"
