"""Imports that a run can do without: modules loaded by name when they are wanted, and what nobody uses left out.

A start of the server is for nine tenths Python importing. So what only some runs need (alembic, the dialect of the
other database, what is shown to a person at a terminal) is not imported at the head of a file but loaded by name
through :func:`load`, and nowhere else.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def load(path: str) -> Any:
    """What stands under ``module:name``; the module is imported the first time.

    :raises ImportError: there is no such module; :raises AttributeError: it has no such name.
    """
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@contextmanager
def starting(*unused: str) -> Iterator[None]:
    """A block that does little but import.

    The collector pauses, for it would go through all that is imported again and again and find nothing; afterwards
    that belongs to what is never looked at again. Together that is an eighth of a start.

    :param unused: modules that libraries import when they are installed, and that this process has no use for. In the
        block they are not installed, unless they were imported before.
    """
    absent = [name for name in unused if name not in sys.modules]
    collecting = gc.isenabled()
    gc.disable()
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None: "not installed", as importlib has it
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
        if collecting:
            gc.freeze()
            gc.enable()
