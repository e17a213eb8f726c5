"""The whole bridge at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from bridge.models import DeliveryStatus, WatchStatus
from bridge.registry.insight import HOURS, Overview, percentile
from bridge.web.dashboard.charts import Bar, Part, bar_chart, time_histogram
from bridge.web.dashboard.guard import Ask

_BAD = (WatchStatus.FAILED, WatchStatus.LOST, WatchStatus.TIMED_OUT)
_HOURS_A_LABEL = 4


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, over the latest times it was done; None where it never was."""

    count: int
    median: float | None
    p95: float | None
    chart: Markup


async def show(ask: Ask) -> Response:
    """What is in flight, what ended, how soon it was seen and told, what it cost, and who is in trouble."""
    seen = await ask.desk.insight.overview()
    configured = ask.desk.providers
    standings = await ask.desk.registry.standings({name: each.base_url for name, each in configured.items()})
    return ask.page(
        "overview",
        watching=seen.watches.get(WatchStatus.WATCHING, 0),
        pending=seen.deliveries.get(DeliveryStatus.PENDING, 0),
        failed=seen.deliveries.get(DeliveryStatus.FAILED, 0),
        ended=sum(sum(each.values()) for each in seen.ended.values()),
        hours=bar_chart(_hours(seen), "Watches ended per hour, UTC", label_every=_HOURS_A_LABEL),
        detection=_times(seen.detection, "From the provider’s completed_at to our event, number of videos"),
        latency=_times(seen.latency, "From the event to delivered, number of deliveries"),
        looks=_looks(seen.looks),
        standings=standings,
    )


def _hours(seen: Overview) -> list[Bar]:
    last = int(seen.now // 3600)
    return [_hour(hour, seen.ended.get(hour, {})) for hour in range(last - HOURS + 1, last + 1)]


def _hour(hour: int, counts: Mapping[WatchStatus, int]) -> Bar:
    good = counts.get(WatchStatus.COMPLETED, 0)
    bad = sum(counts.get(status, 0) for status in _BAD)
    rest = counts.get(WatchStatus.CANCELLED, 0)
    return Bar(f"{hour % 24:02}:00", (Part("good", good), Part("bad", bad), Part("other", rest)))


def _times(seconds: Sequence[float], title: str) -> Times:
    known = bool(seconds)
    return Times(
        len(seconds),
        percentile(seconds, 0.5) if known else None,
        percentile(seconds, 0.95) if known else None,
        time_histogram(seconds, title),
    )


def _looks(looks: Sequence[int]) -> tuple[float, int] | None:
    """Mean and 95th percentile of looks per video."""
    return (sum(looks) / len(looks), round(percentile(looks, 0.95))) if looks else None
