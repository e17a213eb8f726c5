"""How far this machine's clock is off: receivers refuse webhooks with stale timestamps."""

from __future__ import annotations

from bridge.clock import Clock
from bridge.logs import get_logger
from bridge.metrics import Metrics
from bridge.providers.checking import WORTH_SAYING
from bridge.retry import offset_of


class Offsets:
    """Compares the ``Date`` of providers' replies with the machine's clock; says once when it is off, once when not."""

    def __init__(self, wall: Clock, metrics: Metrics) -> None:
        self._wall = wall
        self._metrics = metrics
        self._off: set[str] = set()
        self._log = get_logger("bridge.upkeep")

    def seen(self, provider: str, date: float, took: float) -> None:
        """A reply of a provider that was received just now bore this date.

        :param date: Unix seconds; :param took: seconds from sending the request to receiving the reply.
        """
        now = self._wall.now()
        offset = offset_of(date, now - took, now)
        self._metrics.set_clock_offset(provider, offset)
        off = abs(offset) > WORTH_SAYING
        if off and provider not in self._off:
            self._off.add(provider)
            self._log.warning("clock_offset", provider=provider, seconds=round(offset))
        elif not off and provider in self._off:
            self._off.discard(provider)
            self._log.info("clock_right_again", provider=provider)
