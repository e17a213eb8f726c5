from __future__ import annotations

import math
from typing import Any

import pytest

from bridge.errors import ConfigurationError
from bridge.simulator import FaultRates, SimulatorSettings


def test_the_defaults_are_a_reliable_provider_without_a_key() -> None:
    settings = SimulatorSettings()
    assert (settings.failure_rate, settings.faults, settings.api_key) == (0.0, FaultRates(), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration", -1.0),
        ("duration", math.nan),
        ("duration", math.inf),
        ("spread", -0.1),
        ("queue_share", 1.1),
        ("queue_share", math.nan),
        ("failure_rate", -0.5),
        ("retry_after", -1.0),
        ("hang_limit", math.inf),
        ("poll_after", -1.0),
        ("api_key", ""),
    ],
)
def test_an_impossible_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must"):
        SimulatorSettings(**{name: value})


@pytest.mark.parametrize("settings", [{"duration": 0.0}, {"queue_share": 1.0}, {"failure_rate": 1}, {"poll_after": 0}])
def test_the_edges_are_allowed(settings: dict[str, Any]) -> None:
    [(name, value)] = settings.items()
    assert getattr(SimulatorSettings(**settings), name) == value


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        SimulatorSettings(duration=-1, failure_rate=2, faults=FaultRates(hang=3))
    assert [problem.split()[0] for problem in refused.value.problems] == ["duration", "failure_rate", "hang"]


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(SimulatorSettings(api_key="sk-secret"))
