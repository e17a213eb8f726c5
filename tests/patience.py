"""An event loop for tests on machines that are shared: being kept from running is no passing of time."""

from __future__ import annotations

import asyncio
import selectors
import time

COUNTED = 0.002
"""For how long the loop is believed to be busy with what it does between two waits, seconds."""


class _Selector(selectors.DefaultSelector):
    """Waits for sockets, and counts the time that passes for the loop."""

    def __init__(self) -> None:
        super().__init__()
        self._returned = time.monotonic()
        self.passed = self._returned

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        ready = super().select(timeout)
        ended = time.monotonic()
        self.passed += min(began - self._returned, COUNTED) + waited(ended - began, timeout, bool(ready))
        self._returned = ended
        return ready


def waited(seconds: float, timeout: float | None, ready: bool) -> float:
    """How much of a wait counts. Where something came, and the wait took longer than it could, it came in time."""
    if timeout is None or seconds <= timeout:
        return seconds
    return min(seconds, COUNTED) if ready else timeout


class PatientLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop; but no timer of it runs out because another program had the processor.

    A test says "no answer within a tenth of a second" and means a receiver that never answers. By the clock on the wall
    that tenth is over, too, when the machine stood still for it while the answer lay on the socket. Here a timer waits
    until nothing else is left to do: time passes while the loop waits for sockets, and hardly while it works.
    """

    _selector: _Selector

    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        """Seconds that only grow, never faster than those of the machine."""
        return self._selector.passed
