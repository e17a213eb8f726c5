"""The packaged Slack messages: as they were reviewed, sound to Slack's own library, and safe with any text in them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bridge.models import EventType, VideoError
from bridge.notifiers.slack_preview import preview
from bridge.rendering.samples import SAMPLES, variants
from bridge.rendering.told import Told
from tests.notifiers.slack_messages import check_snapshot, packaged, sample

EVENT_TYPES = list(EventType)
REVIEWED = [name for name in SAMPLES if not name.endswith(".odd")]
HOSTILE = [
    "<!channel> <!here> <@U123> <#C123> <!subteam^S1> @everyone",
    "<https://evil.example|Open the watch>",
    '"}, {"type": "section", "text": "injected"}, {"',
    "\\", '\\"', "\\u003c!channel\\u003e", "{{ 7 * 7 }} {% raw %} {#",
    "> quote\n> > more\n```code```", "*_~`" * 50,
    "\u202egnp.exe\u202c \u2066x", "\x00\x1b[31m\x07\x7f", "👩‍👩‍👧🏽" * 40, "e\u0301" * 400,
    "&" * 32_000, '"' * 32_000, "<" * 32_000, "\n" * 32_000, "@here " * 6_000, "x" * 32_000, " ", "",
]  # fmt: skip
TEXTS = st.text(max_size=60) | st.sampled_from(HOSTILE)
_LINK = re.compile(r"<https://[^<>|]+\|(Get the video|Open the watch)>")


def blocks_of(body: bytes) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = json.loads(body)["blocks"]
    return blocks


def texts(value: Any) -> Iterator[str]:
    """Every text that Slack reads as its markup."""
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        yield from texts(list(value.values()))


def filled(event_type: EventType, text: str) -> Told:
    """An event with this text wherever a stranger can put one."""
    error = VideoError(text, text) if event_type is EventType.VIDEO_FAILED else None
    told = sample(event_type, prompt=text, model=text, seconds=text, size=text, error=error)
    key = re.sub(r"\s", "_", text)[:64] or "key"
    return replace(told, metadata={key: text[:512], **{f"{key[:60]}{number}": text[:512] for number in range(15)}})


def check_harmless(body: bytes) -> None:
    """Slack takes it, and nothing in it is markup but our own links."""
    Block.parse_all(blocks_of(body))
    message = json.loads(body)
    for text in [message["text"], *texts(message["blocks"])]:
        rest = _LINK.sub("", text)
        assert "<" not in rest
        assert not re.search(r"@(here|channel|everyone)", rest, re.IGNORECASE)
        assert re.sub(r"&(amp|lt|gt);", "", rest).count("&") == 0


# What people see


@pytest.mark.parametrize("name", REVIEWED)
def test_a_message_is_the_one_that_was_reviewed(name: str) -> None:
    check_snapshot(name, packaged(SAMPLES[name]))


@pytest.mark.parametrize(
    ("event_type", "title"),
    [
        (EventType.VIDEO_COMPLETED, "✅ Video completed"),
        (EventType.VIDEO_FAILED, "❌ Video failed"),
        (EventType.WATCH_LOST, "❓ Video lost"),
        (EventType.WATCH_TIMED_OUT, "⏰ Watch timed out"),
    ],
)
def test_endings_are_told_apart_at_a_glance(event_type: EventType, title: str) -> None:
    body = packaged(SAMPLES[event_type])
    assert preview(body).startswith(f"{title}\n")
    assert json.loads(body)["text"].startswith(f"{title}: ")


class Later(StrEnum):
    """An event type of a later version."""

    VIDEO_PAUSED = "video.paused"


def test_an_event_type_without_words_of_its_own_is_told_by_its_name() -> None:
    told = replace(SAMPLES["video.completed"], event_type=cast(EventType, Later.VIDEO_PAUSED))
    assert preview(packaged(told)).startswith("🔔 video.paused\n")


def test_a_completed_video_is_told_with_all_a_person_needs() -> None:
    shown = preview(packaged(SAMPLES["video.completed"]))
    for needed in ["paper boat", "sora-2-pro at openai", "8 s, 1280x720", "Took: 2m 5s", "2025-11-24 03:53 UTC"]:
        assert needed in shown
    for needed in ["campaign: spring", "video_69231c2bd7f4", "https://bridge.example.com/watches/watch_01"]:
        assert needed in shown


def test_a_failed_video_is_told_with_the_reason_and_its_code() -> None:
    body = packaged(sample(EventType.VIDEO_FAILED, error=VideoError("bad `code`", "Not\nallowed.")))
    assert "Not allowed.  `bad 'code'`" in preview(body)
    assert json.loads(body)["text"].startswith("❌ Video failed: Not allowed. · A paper boat")


def test_a_long_prompt_is_shortened_and_a_prompt_of_lines_is_one_quote() -> None:
    quote = blocks_of(packaged(sample(EventType.VIDEO_COMPLETED, prompt="one\ntwo\n" * 200)))[1]["text"]["text"]
    assert quote.startswith(">one two one two")
    assert quote.endswith("…")
    assert len(quote) <= 301


@pytest.mark.parametrize(
    ("pairs", "elements", "last"), [(10, 10, "*k9:* v"), (11, 10, "and 2 more"), (16, 10, "and 7 more")]
)
def test_notes_beyond_what_slack_takes_are_counted(pairs: int, elements: int, last: str) -> None:
    told = replace(SAMPLES["video.completed"], metadata={f"k{number}": "v" for number in range(pairs)})
    notes = blocks_of(packaged(told))[-2]
    assert len(notes["elements"]) == elements
    assert notes["elements"][-1]["text"] == last


@pytest.mark.parametrize("url", ["http://cdn.example.com/a.jpg", "data:image/png;base64,AA", None])
def test_a_picture_that_slack_could_not_fetch_is_left_out(url: str | None) -> None:
    told = replace(SAMPLES["video.completed"], thumbnail_url=url)
    assert "image" not in [block["type"] for block in blocks_of(packaged(told))]


def test_a_signed_picture_keeps_its_query() -> None:
    told = replace(SAMPLES["video.completed"], thumbnail_url="https://cdn.example.com/a.jpg?sig=1&exp=2")
    assert blocks_of(packaged(told))[2]["image_url"] == "https://cdn.example.com/a.jpg?sig=1&exp=2"


@pytest.mark.parametrize("url", ["https://x.example/" + "&" * 1_000, "https://x.example/" + "x" * 5_000])
def test_a_link_that_is_too_long_for_slack_is_left_out(url: str) -> None:
    assert "Get the video" not in preview(packaged(replace(SAMPLES["video.completed"], content_url=url)))


def test_the_link_of_a_video_cannot_rename_itself() -> None:
    told = replace(SAMPLES["video.completed"], content_url="https://x.example/|Bank>")
    assert "<https://x.example/%7CBank&gt;|Get the video>" in list(texts(blocks_of(packaged(told))))


# What Slack sees


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_slacks_own_library_takes_every_variant_and_knows_every_field(event_type: EventType) -> None:
    for variant in variants(event_type):
        blocks = blocks_of(packaged(variant.told))
        assert [block.to_dict() for block in Block.parse_all(blocks)] == blocks, variant.label


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:20]) for text in HOSTILE])
def test_no_text_breaks_a_message_or_mentions_anybody(event_type: EventType, text: str) -> None:
    body = packaged(filled(event_type, text))
    check_harmless(body)
    assert len(json.loads(body)["text"]) <= 4_000


@given(st.sampled_from(EVENT_TYPES), TEXTS, TEXTS, TEXTS)
def test_no_mixture_of_texts_does_either(event_type: EventType, prompt: str, message: str, value: str) -> None:
    error = VideoError(value, message) if event_type is EventType.VIDEO_FAILED else None
    told = replace(sample(event_type, prompt=prompt, error=error, model=message), metadata={"key": value[:512]})
    check_harmless(packaged(told))


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=150))
def test_a_short_prompt_is_shown_as_it_was_written(prompt: str) -> None:
    quote = blocks_of(packaged(sample(EventType.VIDEO_COMPLETED, prompt=prompt)))[1]["text"]["text"]
    assert html.unescape(quote[1:]).replace("\N{WORD JOINER}", "") == prompt
