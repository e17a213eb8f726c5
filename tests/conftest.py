"""Fixtures every test may use."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests import compiled
from tests.clock import AutoClock, ManualClock

# The machines tests run on are shared: how long one example takes says nothing.
settings.register_profile(
    "shared-machine", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared-machine")
compiled.share()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auto_clock() -> AutoClock:
    return AutoClock()
