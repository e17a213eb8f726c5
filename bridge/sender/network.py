"""Telling a receiver that cannot be reached from a network that is not there."""

from __future__ import annotations

from collections import OrderedDict

from bridge.models import Reason

WINDOW = 60.0
"""How long what was seen says something, seconds."""

ENOUGH_HOSTS = 3
"""So many different hosts must be out of reach before the network is blamed."""

_UNREACHED = frozenset({Reason.DNS, Reason.CONNECT})
_REMEMBERED = 256


class Network:
    """What was reached lately, and what was not.

    When several hosts cannot be found or connected to, and nothing else was reached meanwhile, it is not they who are
    to blame. With fewer hosts than that nobody can tell, and it counts as theirs.
    """

    def __init__(self) -> None:
        self._failed: OrderedDict[str, float] = OrderedDict()

    def reached(self) -> None:
        """Something answered: the network is there."""
        self._failed.clear()

    def judged(self, host: str, reason: Reason, now: float) -> Reason:
        """The reason why a host gave no answer, which may be the network's.

        :param now: seconds on a clock that never goes back.
        """
        if reason not in _UNREACHED:
            if reason is not Reason.OWN_FAULT:
                self.reached()  # it was connected to, at least
            return reason
        self._failed.pop(host, None)
        self._failed[host] = now
        while len(self._failed) > _REMEMBERED or next(iter(self._failed.values())) < now - WINDOW:
            self._failed.popitem(last=False)
        return Reason.OWN_FAULT if len(self._failed) >= ENOUGH_HOSTS else reason
