"""The packaged mails: what they say, how they look as text and as HTML, and what no value can do to them."""

from __future__ import annotations

import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.models import EventType, VideoError
from bridge.rendering import FORMS, SAMPLES, PackagedTemplates, Slot, Told
from bridge.rendering.samples import variants
from bridge.rendering.slots import clean
from bridge.resources import templates_dir

SNAPSHOTS = Path(__file__).parent / "snapshots" / "email"
TEMPLATES = PackagedTemplates(templates_dir())
VARIANTS = [variant for event_type in EventType for variant in variants(event_type)]
COMPLETED = SAMPLES["video.completed"]
FAILED = SAMPLES["video.failed"]
HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><a href="https://evil.example">x</a>',
    "</title></style></td></tr></table><h1>Paid",
    "<!-- <![endif]--> &lt;b&gt; &amp; &#60;",
    "a\r\nBcc: eve@example.com\r\n\r\n<b>body</b>",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "{{ 7 * 7 }}{% raw %}",
    "ها هو قارب من ورق",
    "👩‍👩‍👧 🏳️‍🌈 e\u0301",
]


def mail(told: Told) -> dict[str, str]:
    """The packaged mail about an event: ``subject``, ``text`` and ``html``."""
    message = TEMPLATES.render("email-webhook", FORMS["email-webhook"], told)
    assert message.in_blocks
    return dict(message.parts)


class Page(HTMLParser):
    """An HTML part taken apart: its tags with all their attributes, and its visible texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.texts.append(data)

    def values(self, tag: str, name: str) -> list[str | None]:
        """All values of an attribute."""
        return [value for each, attributes in self.tags if each == tag for key, value in attributes if key == name]


def saying(told: Told, text: str) -> Told:
    """The same event with this text for everything a stranger may have written."""
    error = None if told.video.error is None else VideoError(text, text)
    video = replace(told.video, prompt=text, model=text, seconds=text, size=text, error=error)
    return replace(told, video=video, metadata={"note": text})


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith(".odd")])
def test_every_packaged_mail_is_as_it_was_last_looked_at(name: str) -> None:
    """After a wanted change: UPDATE_SNAPSHOTS=1 pytest, then look at the files."""
    parts = mail(SAMPLES[name])
    shown = {"txt": f"Subject: {parts['subject']}\n\n{parts['text']}\n", "html": f"{parts['html']}\n"}
    for suffix, text in shown.items():
        file = SNAPSHOTS / f"{name}.{suffix}"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            file.write_text(text, "utf-8")
        assert file.read_text("utf-8") == text


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.label)
def test_nothing_that_is_unknown_is_written_down(variant: Any) -> None:
    parts = mail(variant.told)
    assert parts["subject"]
    for word in ("None", "null", "Undefined"):
        assert word not in parts["text"] + parts["html"]
    assert Page(parts["html"]).open == []


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.label)
def test_the_html_fits_every_mail_program(variant: Any) -> None:
    html = mail(variant.told)["html"]
    page = Page(html)
    assert len(html.encode()) < 102_400  # Gmail clips what is longer
    assert set(page.values("table", "role")) == {"presentation"}
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "form", "svg", "video", "object"}
    assert set(page.values("img", "src")) <= {variant.told.thumbnail_url}
    assert set(page.values("a", "href")) <= {variant.told.content_url, variant.told.watch_url}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.label)
def test_lines_of_text_have_at_most_72_characters_unless_an_id_or_a_link_must_stay_whole(variant: Any) -> None:
    for line in mail(variant.told)["text"].splitlines():
        whole = line.split()[-1:] in ([variant.told.video.id], [variant.told.watch_url], [variant.told.content_url])
        assert len(line) <= 72 or whole
        assert line in ("-- ", line.rstrip())


def test_a_long_value_goes_on_under_its_beginning() -> None:
    text = mail(replace(COMPLETED, video=replace(COMPLETED.video, model="a model " * 9)))["text"]
    assert f"Model         {'a model ' * 7}a\n              model a model\n" in text


@pytest.mark.parametrize("completed_at", [COMPLETED.video.created_at, 1_763_869_999])
def test_a_clock_that_went_backwards_is_not_made_a_duration(completed_at: int) -> None:
    parts = mail(replace(COMPLETED, video=replace(COMPLETED.video, completed_at=completed_at)))
    assert "Took" not in parts["text"] + parts["html"]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("video.completed", "Video completed: A paper boat drifts down a rain-soaked street at dusk, neon reflected…"),
        ("video.failed.silent", "Video failed: A paper boat drifts down a rain-soaked street at dusk, neon reflected…"),
        ("watch.lost.unseen", "Video lost: video_69231c2bd7f48190a5f1d6b0c3e2a978"),
        ("watch.timed_out.unseen", "Video timed out: video_69231c2bd7f48190a5f1d6b0c3e2a978"),
    ],
)
def test_a_subject_says_what_happened_to_which_video(name: str, subject: str) -> None:
    assert mail(SAMPLES[name])["subject"] == subject


@pytest.mark.parametrize("prompt", [None, "", " \r\n\t "])
def test_without_a_prompt_the_subject_names_the_id(prompt: str | None) -> None:
    told = replace(COMPLETED, video=replace(COMPLETED.video, prompt=prompt))
    assert mail(told)["subject"] == f"Video completed: {COMPLETED.video.id}"


@pytest.mark.parametrize("part", ["text", "html"])
def test_both_parts_say_what_a_person_needs_to_know(part: str) -> None:
    shown = mail(COMPLETED)[part]
    for fact in ("openai", "sora-2-pro", "1280x720", "2m 5s", "2025-11-23 03:55 UTC", "2025-11-24 03:53 UTC"):
        assert fact in shown
    for fact in (COMPLETED.video.id, COMPLETED.watch_id, "campaign", "Ana López", str(COMPLETED.watch_url)):
        assert fact in shown


@pytest.mark.parametrize("part", ["text", "html"])
def test_a_failure_says_why_and_offers_no_files(part: str) -> None:
    shown = mail(FAILED)[part]
    assert "Your request was blocked by our moderation system." in shown
    assert "moderation_blocked" in shown
    assert "expire" not in shown
    assert str(FAILED.content_url) not in shown


@pytest.mark.parametrize("error", [None, VideoError(), VideoError("", "")])
def test_a_failure_without_a_reason_says_so(error: VideoError | None) -> None:
    parts = mail(replace(FAILED, video=replace(FAILED.video, error=error)))
    assert "No reason was given." in parts["text"]
    assert "No reason was given." in parts["html"]


@pytest.mark.parametrize(("name", "waited"), [("watch.lost", "5m 7s"), ("watch.timed_out", "1d")])
def test_a_watch_that_ended_without_the_video_says_how_far_it_was_seen_to_come(name: str, waited: str) -> None:
    text = mail(SAMPLES[name])["text"]
    assert f"Last seen     in progress ({SAMPLES[name].video.progress} %)" in text
    assert f"Watched for   {waited}" in text


def test_links_are_there_only_where_they_lead_somewhere() -> None:
    bare = replace(COMPLETED, watch_url=None, content_url=None, thumbnail_url=None)
    page = Page(mail(bare)["html"])
    assert page.values("a", "href") + page.values("img", "src") == []
    assert "https:" not in mail(bare)["text"]


def test_the_way_to_the_watch_is_the_button_when_there_is_no_way_to_the_video() -> None:
    page = Page(mail(replace(COMPLETED, content_url=None))["html"])
    assert page.values("a", "href") == [COMPLETED.watch_url]
    assert "Open the video" not in page.texts
    assert "See the details" in page.texts


@pytest.mark.parametrize(("told", "places"), [(COMPLETED, 6), (FAILED, 8)])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_read_back_as_it_was_and_changes_no_tag(told: Told, places: int, text: str) -> None:
    page = Page(mail(saying(told, text))["html"])
    assert page.tags == Page(mail(saying(told, "harmless"))["html"]).tags
    assert page.texts.count(clean(text, Slot.HTML)) == places


@settings(max_examples=60)
@given(st.text(max_size=300), st.sampled_from([COMPLETED, FAILED]))
def test_no_text_changes_a_tag_or_gets_lost(text: str, told: Told) -> None:
    text = f"x{text}x"
    page = Page(mail(saying(told, text))["html"])
    assert page.tags == Page(mail(saying(told, "harmless"))["html"]).tags
    assert page.texts.count(clean(text, Slot.HTML)) >= 5


@given(st.text())
def test_a_subject_is_one_line_whatever_the_prompt_says(prompt: str) -> None:
    subject = mail(replace(COMPLETED, video=replace(COMPLETED.video, prompt=prompt)))["subject"]
    assert subject.splitlines() == [subject]
    assert len(subject) <= 100 or not clean(prompt, Slot.LINE).strip()


def test_a_prompt_of_32_000_characters_is_shortened() -> None:
    parts = mail(replace(COMPLETED, video=replace(COMPLETED.video, prompt="word " * 6_400)))
    assert len(parts["text"]) < 2_000
    assert len(parts["html"]) < 20_000
    assert "word…" in parts["text"]
