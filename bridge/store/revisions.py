"""Which steps the schema has, by the names of their files: ``0003_pacing.py`` is the step to revision ``0003``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_VERSIONS = Path(__file__).with_name("migrations") / "versions"


@cache
def revisions() -> tuple[str, ...]:
    """All revisions, the first step first."""
    return tuple(sorted(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*_*.py")))


def head() -> str:
    """The revision this version of the program works with."""
    return revisions()[-1]
