"""What people want to know beyond single watches and deliveries: time lines, health, an overview. It only reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge.models import DeliveryStatus, WatchStatus
from bridge.store import observations, overview, reports, watches
from bridge.store.database import Database, Transaction
from bridge.store.observations import Observation

LATEST = 1000
"""Delays, latencies and looks are those of the latest so many watches or deliveries."""
HOURS = 24
"""How far back the hours of the overview go."""

_LATEST_OF_ONE = 200
# How long figures that take a while are shown again, seconds.
_COUNTS_LAST = 2.0
_OVERVIEW_LASTS = 5.0

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class DestinationHealth:
    """How the latest deliveries to a destination went.

    :param success: share of attempts that were accepted, 0 to 1; None before the first.
    :param p95_ms: 95 of 100 accepted attempts took no longer.
    :param breaker_open: it is left alone after failures in a row, until ``probe_at``.
    """

    attempts: int
    success: float | None
    p95_ms: int | None
    last_at: float | None
    breaker_open: bool
    probe_at: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole bridge at a glance; delays and latencies in seconds.

    :param ended: for each hour, counted from 1970, how many watches ended in it, by how.
    :param looks: how many looks each of the latest videos took.
    """

    now: float
    watches: Mapping[WatchStatus, int]
    deliveries: Mapping[DeliveryStatus, int]
    ended: Mapping[int, Mapping[WatchStatus, int]]
    detection: Sequence[float]
    latency: Sequence[float]
    looks: Sequence[int]


class Insight:
    """Reads what the dashboard shows beside the lists of the registry."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, tuple[float, Any]] = {}

    async def time_line(self, watch_id: str) -> Sequence[Observation]:
        """What looks learned of a watch's video, the oldest first."""
        async with self._database.read() as tx:
            return await observations.of_watch(tx, watch_id)

    async def results(self, watch_ids: Sequence[str]) -> Mapping[tuple[str, str], DeliveryStatus]:
        """By watch and destination, how telling it went."""
        async with self._database.read() as tx:
            return await overview.latest_results(tx, watch_ids)

    async def health(self, destination_ids: Collection[str]) -> Mapping[str, DestinationHealth]:
        """How the latest deliveries to each of these destinations went."""
        async with self._database.read() as tx:
            found = await overview.health(tx, destination_ids, _LATEST_OF_ONE)
        return {
            key: DestinationHealth(
                raw.attempts,
                raw.delivered / raw.attempts if raw.attempts else None,
                None if not raw.durations else round(percentile(raw.durations, 0.95)),
                raw.last_at,
                raw.breaker_open,
                raw.probe_at,
            )
            for key, raw in found.items()
        }

    async def watch_counts(self) -> Mapping[WatchStatus, int]:
        """How many watches there are, by status; at most a few seconds old."""
        return await self._lately("watches", watches.counts, _COUNTS_LAST)

    async def delivery_counts(self) -> Mapping[DeliveryStatus, int]:
        """How many deliveries there are, by status; at most a few seconds old."""
        return await self._lately("deliveries", reports.delivery_counts, _COUNTS_LAST)

    async def overview(self) -> Overview:
        """The whole bridge at a glance; at most a few seconds old."""
        return await self._lately("overview", self._overview, _OVERVIEW_LASTS)

    async def _overview(self, tx: Transaction) -> Overview:
        now = self._database.now()
        return Overview(
            now,
            await watches.counts(tx),
            await reports.delivery_counts(tx),
            await overview.ended_per_hour(tx, now - HOURS * overview.HOUR),
            await overview.detection_delays(tx, LATEST),
            await overview.delivery_latencies(tx, LATEST),
            await overview.looks_spent(tx, LATEST),
        )

    async def _lately(self, name: str, read: Callable[[Transaction], Awaitable[Value]], lasts: float) -> Value:
        """What was read a moment ago, for many who look at once; else it is read now."""
        now = self._database.clock.monotonic()
        until, value = self._kept.get(name, (now, None))
        if now < until:
            kept: Value = value
            return kept
        async with self._database.read() as tx:
            fresh = await read(tx)
        self._kept[name] = (now + lasts, fresh)
        return fresh


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of these values that is no less than this share of them (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
