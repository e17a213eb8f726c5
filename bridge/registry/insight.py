"""What people want to know beyond single watches and deliveries: time lines, health, an overview. It only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.models import DeliveryStatus, WatchStatus
from bridge.store import observations, overview, reports, watches
from bridge.store.database import Database
from bridge.store.observations import Observation

LATEST = 1000
"""Delays, latencies and looks are those of the latest so many watches or deliveries."""
HOURS = 24
"""How far back the hours of the overview go."""

_LATEST_OF_ONE = 200


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
        """How many watches there are, by status."""
        async with self._database.read() as tx:
            return await watches.counts(tx)

    async def delivery_counts(self) -> Mapping[DeliveryStatus, int]:
        """How many deliveries there are, by status."""
        async with self._database.read() as tx:
            return await reports.delivery_counts(tx)

    async def overview(self) -> Overview:
        """The whole bridge at a glance."""
        now = self._database.now()
        async with self._database.read() as tx:
            return Overview(
                now,
                await watches.counts(tx),
                await reports.delivery_counts(tx),
                await overview.ended_per_hour(tx, now - HOURS * overview.HOUR),
                await overview.detection_delays(tx, LATEST),
                await overview.delivery_latencies(tx, LATEST),
                await overview.looks_spent(tx, LATEST),
            )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of these values that is no less than this share of them (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
