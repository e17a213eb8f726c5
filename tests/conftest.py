"""Fixtures every test may use."""

from __future__ import annotations

import pytest

from tests.clock import AutoClock, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auto_clock() -> AutoClock:
    return AutoClock()
