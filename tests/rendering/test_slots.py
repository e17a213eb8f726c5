"""Values made safe for where they land."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.rendering import Slot, make_safe, shorten
from bridge.rendering.slots import MENTION_BREAK, clean, encode, fit
from tests.rendering.helpers import READERS, read_json

SLOTS = st.sampled_from(Slot)
TEXTS = st.one_of(
    st.text(max_size=60), st.text("&<>\"'\\/@here!\r\n\t\0\u202e\u2028{}#|*_~`\x1b😀e\u0301", max_size=60)
)


@given(TEXTS, SLOTS)
@example("</p><script>", Slot.HTML)
@example('"}, "admin": {"', Slot.JSON)
@example("<!channel> &lt;!here&gt; @channel", Slot.SLACK)
def test_what_is_read_is_what_was_said(text: str, slot: Slot) -> None:
    seen = READERS[slot](make_safe(text, slot))
    assert seen == clean(text, slot).replace(MENTION_BREAK, "" if slot is Slot.SLACK else MENTION_BREAK)


@given(TEXTS, SLOTS)
def test_nothing_unseen_gets_through(text: str, slot: Slot) -> None:
    safe = make_safe(text, slot)
    assert not [each for each in safe if unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t"]
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(safe)


@given(TEXTS, SLOTS)
def test_cleaning_twice_changes_nothing(text: str, slot: Slot) -> None:
    assert clean(clean(text, slot), slot) == clean(text, slot)


@given(st.text("ab \r\n\v\f\t\x85\u2028\u2029", max_size=20))
def test_a_line_stays_one_line(text: str) -> None:
    assert len(make_safe(f"a{text}b", Slot.LINE).splitlines()) == 1


@pytest.mark.parametrize("end", ["\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_every_line_end_is_a_newline(end: str) -> None:
    assert clean(f"one{end}two", Slot.TEXT) == "one\ntwo"


def test_a_lone_surrogate_is_replaced() -> None:
    assert clean("a\ud800b", Slot.JSON) == "a\N{REPLACEMENT CHARACTER}b"


def test_slack_is_sent_its_three_characters_encoded_and_no_others() -> None:
    assert encode("<b> & \"x\" 'y' *z*", Slot.SLACK) == "&lt;b&gt; &amp; \"x\" 'y' *z*"


@pytest.mark.parametrize("mention", ["@here", "@channel", "@everyone", "@HERE", "@Channel"])
def test_a_bare_mention_is_broken_without_being_seen(mention: str) -> None:
    safe = make_safe(f"hey {mention}!", Slot.SLACK)
    assert mention not in safe
    assert read_json(safe).replace(MENTION_BREAK, "") == f"hey {mention}!"


@pytest.mark.parametrize("text", ["me@example.com", "@anna", "@ here"])
def test_no_other_at_sign_is_touched(text: str) -> None:
    assert make_safe(text, Slot.SLACK) == text


@given(st.text(max_size=80), st.integers(0, 40))
def test_what_is_shortened_is_short_enough(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or len(text) > limit


def test_what_is_cut_says_so() -> None:
    assert shorten("a long story", 7) == "a long…"
    assert shorten("a long story", 12) == "a long story"
    assert shorten("a long story", 1) == "…"
    assert shorten("a long story", 0) == shorten("a long story", -1) == ""


@pytest.mark.parametrize(
    "glued",
    ["e\u0301", "👍\U0001f3fd", "👩\u200d👩\u200d👧", "🇩🇪", "🇩🇪🇫🇷", "❤\ufe0f"],
    ids=["accent", "skin", "family", "flag", "flags", "heart"],
)
def test_what_is_drawn_as_one_is_not_taken_apart(glued: str) -> None:
    short = shorten(f"ab{glued}cdefghij", 3 + len(glued) - 1)
    assert short in ("ab…", "ab🇩🇪…")


def test_a_mountain_of_marks_is_cut_all_the_same() -> None:
    assert len(shorten("a" + "\u0301" * 1_000, 100)) == 100


@given(st.text("ab&<>@here", max_size=200), st.integers(10, 60))
def test_what_slack_counts_is_what_is_limited(text: str, limit: int) -> None:
    assert len(encode(fit(text, limit, Slot.SLACK), Slot.SLACK)) <= limit


def test_no_more_is_cut_for_slack_than_has_to_be() -> None:
    assert fit("&" * 100, 50, Slot.SLACK) == "&" * 9 + "…"
    assert fit("a" * 100, 50, Slot.SLACK) == "a" * 49 + "…"
