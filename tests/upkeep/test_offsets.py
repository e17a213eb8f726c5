"""How far this machine's clock is off a provider's."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.metrics import Metrics
from bridge.retry import offset_of
from bridge.upkeep import Offsets
from tests.clock import ManualClock

Logs = list[Any]


@pytest.mark.parametrize(("date", "offset"), [(1000.0, 0), (999.0, 0), (1003.0, 0), (900.0, 100.5), (4600.0, -3599.5)])
def test_the_offset_is_measured_from_the_middle_of_the_round_trip(date: float, offset: float) -> None:
    assert offset_of(date, 1000.0, 1002.0) == offset


def seen(offsets: Offsets, clock: ManualClock, *ahead: float) -> None:
    for seconds in ahead:
        offsets.seen("openai", clock.now() - seconds, 0.2)


def test_an_offset_of_more_than_a_minute_is_said_once_and_once_when_it_is_over(clock: ManualClock, logs: Logs) -> None:
    offsets = Offsets(clock, Metrics(["openai"]))
    seen(offsets, clock, 0, 50, 3600, 3601, 0, 1)
    assert [(each["event"], each.get("seconds")) for each in logs] == [
        ("clock_offset", 3599),
        ("clock_right_again", None),
    ]


def test_it_is_shown_as_a_metric(clock: ManualClock) -> None:
    metrics = Metrics(["openai"])
    seen(Offsets(clock, metrics), clock, -600)
    assert b'bridge_clock_offset_seconds{provider="openai"} -600.6' in metrics.render()[0]
