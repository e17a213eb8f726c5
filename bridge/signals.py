"""SIGTERM and SIGINT (Ctrl-C), for what runs until one of them comes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set; a second one ends the process at once. Afterwards all is as it was."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    names = (signal.SIGTERM, signal.SIGINT)

    def on_signal(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        for name in names:  # who asks again means at once
            signal.signal(name, signal.SIG_DFL)

    # Not loop.add_signal_handler: Windows has none, and uvloop leaves its own handlers behind when it is closed.
    before = {name: signal.signal(name, on_signal) for name in names}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
