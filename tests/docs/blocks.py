"""The pages, and the blocks of code in them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(ROOT.glob("docs/*.md"))
# In lists blocks are indented.
_FENCE = re.compile(r"^( *)```(\S+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Some lines of code. ``line`` is the number of their first one in the page."""

    page: Path
    line: int
    language: str
    code: str

    @property
    def after(self) -> int:
        """The number of the line that closes the block."""
        return self.line + self.code.count("\n")


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page that name a language, in order."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, found.start(3)) + 1, found[2], textwrap.dedent(found[3]))
        for found in _FENCE.finditer(text)
    ]


def blocks(language: str, *names: str) -> list[Block]:
    """The blocks of a language, of these pages (``docs/verify.md``) or of all."""
    pages = [ROOT / name for name in names] or PAGES
    return [block for page in pages for block in blocks_of(page) if block.language == language]
