"""How this very program is called from here: it need not be on the path of whoever runs it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

_NAME = "video-bridge"


def own_command() -> str:
    """The words that run this program again, as a shell in the same folder takes them."""
    script = Path(sys.argv[0])
    if script.name == _NAME and script.is_file():
        found = shutil.which(_NAME)
        return _NAME if found is not None and os.path.samefile(found, script) else shlex.quote(_from_here(script))
    return f"{shlex.quote(_from_here(Path(sys.executable)))} -m bridge"


def _from_here(path: Path) -> str:
    """A path in short: below the working directory without that."""
    absolute, here = Path(os.path.abspath(path)), Path.cwd()  # a link of a virtual environment must stay one
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
