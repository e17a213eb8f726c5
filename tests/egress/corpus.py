"""The corpora of URLs and addresses, read from the data files beside this one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One URL, or the addresses a name leads to.

    :param why: why it must be refused, or what it stands for.
    :param says: what the refusal says, a regular expression.
    """

    text: str
    kind: str
    why: str
    says: str = ""

    @property
    def addresses(self) -> list[str]:
        return self.text.split()


def _entries(name: str) -> Iterator[Entry]:
    for kind in tomllib.loads((_FOLDER / name).read_text("utf-8"))["class"]:
        texts: dict[str, Any] = kind.get("urls", {}) | kind.get("answers", {})
        texts |= {f"https://{host}/hook": why for host, why in kind.get("hosts", {}).items()}
        for text, why in texts.items():
            yield Entry(text, kind["name"], why, kind.get("says", ""))


HOSTILE_URLS = [*_entries("hostile_hosts.toml"), *_entries("hostile_urls.toml")]
"""Must be refused when they are registered."""

HOSTILE_ANSWERS = list(_entries("hostile_answers.toml"))
"""Must be refused when a name leads to them."""

GOOD_URLS = list(_entries("good_urls.toml"))
"""Must pass, and be stored as they are."""
