"""Query strings of pages, read leniently: what cannot be meant is left out, and the page shows what it can."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)

_LONGEST = 600


def chosen(text: str, words: type[Word]) -> Word | None:
    """One of these words, or none."""
    return words(text) if text in list(words) else None


def cursor(text: str, prefix: str) -> str | None:
    """An id after which a list goes on, or none."""
    return text if re.fullmatch(prefix + r"_[0-9A-Za-z_-]{1,64}", text) else None


def searched(text: str) -> str:
    """What somebody looks for: one line the database can be asked for."""
    clean = text.strip()[:_LONGEST]
    return clean if clean.isprintable() else ""
