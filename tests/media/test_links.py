"""Links are good for what they were made for, for as long as they were meant to be, and for nothing else."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.files import Variant
from bridge.ids import new_id
from bridge.media.links import MediaLinks
from bridge.secrets import SecretBox

KEYS = SecretBox(["k" * 32]).keys_for("links")
LINKS = MediaLinks(KEYS, "https://bridge.example", 3600)
WATCH = new_id("watch")


def test_a_link_leads_to_the_public_url() -> None:
    link = LINKS.link(WATCH, Variant.VIDEO, 1000.5)
    assert link is not None
    assert link.startswith(f"https://bridge.example/media/{WATCH}.v4600.")


def test_without_a_public_url_there_are_no_links() -> None:
    assert MediaLinks(KEYS, None, 3600).link(WATCH, Variant.VIDEO, 1000) is None


def test_the_same_event_always_has_the_same_link() -> None:
    assert LINKS.link(WATCH, Variant.THUMBNAIL, 7) == LINKS.link(WATCH, Variant.THUMBNAIL, 7)


@given(st.sampled_from(Variant), st.floats(0, 1e11))
def test_a_token_says_what_it_was_made_for(variant: Variant, at: float) -> None:
    read = LINKS.read(LINKS.token(WATCH, variant, at))
    assert read is not None
    assert (read.watch_id, read.variant, read.until) == (WATCH, variant, int(at + 3600))


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_none_of_ours(data: st.DataObject) -> None:
    token = LINKS.token(WATCH, Variant.VIDEO, 1000)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(min_codepoint=33, max_codepoint=1000))
    assume(letter != token[place])
    assert LINKS.read(token[:place] + letter + token[place + 1 :]) is None


@given(st.text(max_size=100))
def test_other_text_is_no_token(text: str) -> None:
    assert LINKS.read(text) is None


def test_an_old_key_still_reads_what_it_signed() -> None:
    old = MediaLinks(SecretBox(["o" * 32]).keys_for("links"), None, 60)
    both = MediaLinks(SecretBox(["n" * 32, "o" * 32]).keys_for("links"), None, 60)
    assert both.read(old.token(WATCH, Variant.VIDEO, 0)) is not None
    assert old.read(both.token(WATCH, Variant.VIDEO, 0)) is None


def test_keys_differ_by_purpose() -> None:
    assert SecretBox(["k" * 32]).keys_for("links") != SecretBox(["k" * 32]).keys_for("sessions")
