"""Where a value lands in a message, and how it is made safe for that place.

Every slot has two layers: its *encoding* (what the receiver's markup would otherwise act on) and its *quoting* (what
the JSON around it would otherwise end at). A value is cleaned, shortened, encoded and quoted, in this order: shortening
later could cut an escape in half.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from enum import StrEnum


class Slot(StrEnum):
    """A place in a message with rules of its own."""

    TEXT = "text"
    """Plain text."""
    LINE = "line"
    """One line of a header, such as the subject of an e-mail."""
    HTML = "html"
    """HTML, between tags or inside a quoted attribute."""
    JSON = "json"
    """Inside the quotes of a JSON string."""
    SLACK = "slack"
    """Slack's mrkdwn, inside the quotes of a JSON string."""

    @property
    def quoted(self) -> bool:
        """Whether the value stands inside the quotes of a JSON string."""
        return self in (Slot.JSON, Slot.SLACK)


# What people's texts use to end a line: CR LF, CR, VT, FF, NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR.
_LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# The overrides and isolates that let a text show in another order than it is written.
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile("[\t\n][ \t\n]*")

# https://docs.slack.dev/messaging/formatting-message-text/: these three and no others.
_SLACK_CHARACTERS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# A bare mention is one wherever names are linked; a WORD JOINER, which is not seen, keeps it from being read as one.
_SLACK_MENTIONS = re.compile("@(?=here|channel|everyone)", re.IGNORECASE)
MENTION_BREAK = "\N{WORD JOINER}"

_ELLIPSIS = "…"
_JOINER = "\N{ZERO WIDTH JOINER}"
# No character is drawn from more than a few code points; a longer run of marks is an attack on the reader's eyes.
_MOST_GLUED = 16


def clean(text: str, slot: Slot) -> str:
    """The text without what no slot should have: controls, text-direction overrides, lone surrogates.

    Every kind of line end becomes a newline, and in a :attr:`Slot.LINE` a space.
    """
    text = _DIRECTIONS.sub("", without_controls(_LINE_ENDS.sub("\n", text)))
    text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return _BREAKS.sub(" ", text) if slot is Slot.LINE else text


def without_controls(text: str) -> str:
    """The text without control characters other than tab and newline."""
    return _CONTROLS.sub("", text)


def encode(text: str, slot: Slot) -> str:
    """The text with the characters encoded that the slot's markup would act on."""
    if slot is Slot.HTML:
        return html.escape(text)
    if slot is Slot.SLACK:
        return _SLACK_MENTIONS.sub(f"@{MENTION_BREAK}", text.translate(_SLACK_CHARACTERS))
    return text


def quote(text: str, slot: Slot) -> str:
    """The text as it stands inside the quotes of a JSON string, if the slot is inside such quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1] if slot.quoted else text


def make_safe(text: str, slot: Slot) -> str:
    """The text as it may be put into the slot, whatever it says."""
    return quote(encode(clean(text, slot), slot), slot)


def shorten(text: str, limit: int, end: str = _ELLIPSIS) -> str:
    """The text cut to at most ``limit`` characters, ``end`` included; what is short enough is returned as it is.

    An accent stays with its letter, and a family, a flag or a skin tone is not taken apart.
    """
    if len(text) <= limit:
        return text
    if limit <= len(end):
        return end[: max(limit, 0)]
    return text[: _boundary(text, limit - len(end))].rstrip() + end


def fit(text: str, limit: int, slot: Slot) -> str:
    """The text cut so that its *encoded* form has at most ``limit`` characters.

    Slack counts ``&amp;`` as five, and refuses a whole message for one section that is too long.
    """
    short = shorten(text, limit)
    while (excess := len(encode(short, slot)) - limit) > 0:
        # Encoding makes at most six characters of one, so taking a sixth of the excess never takes too much.
        short = shorten(text, len(short) - (excess + 5) // 6)
    return short


def _boundary(text: str, cut: int) -> int:
    """The last place at or before ``cut`` that is not inside one drawn character."""
    for place in range(cut, max(cut - _MOST_GLUED, 0), -1):
        if not _glued(text, place):
            return place
    return cut


def _glued(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":  # joined emoji, skin tones
        return True
    if _is_flag_half(before) and _is_flag_half(after):
        start = place
        while start > 0 and _is_flag_half(text[start - 1]):
            start -= 1
        return (place - start) % 2 == 1
    return unicodedata.category(after) in ("Mn", "Mc", "Me")


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
