"""How many places of the sender each destination host may hold: a window that grows and shrinks with its answers."""

from __future__ import annotations

from collections import OrderedDict

FIRST_WINDOW = 4.0
SMALLEST_WINDOW = 1.0
QUICK = 1.0
"""An answer that took less is a quick one, seconds."""

_REMEMBERED = 4096


class Shares:
    """Windows by host, as TCP keeps them for congestion: whoever answers quickly gets more places, a host that lets
    its senders wait holds few of them, whatever is due for it.

    :param room: how many places there are in all. No host gets more than three quarters of them.
    """

    def __init__(self, room: int) -> None:
        self._largest = max(1.0, room * 3 / 4)
        self._windows: OrderedDict[str, float] = OrderedDict()

    def of(self, host: str) -> int:
        """How many places the host may hold now."""
        return int(self._windows.get(host, min(FIRST_WINDOW, self._largest)))

    def answered(self, host: str, seconds: float, *, reached: bool) -> None:
        """An attempt took so long, and brought an answer or none.

        One place more for a quick answer, half of them for a slow one, one alone for none at all.
        """
        window = self._windows.pop(host, min(FIRST_WINDOW, self._largest))
        if not reached:
            window = SMALLEST_WINDOW
        elif seconds < QUICK:
            window = min(self._largest, window + 1)
        else:
            window = max(SMALLEST_WINDOW, window / 2)
        self._windows[host] = window
        if len(self._windows) > _REMEMBERED:
            self._windows.popitem(last=False)
