"""Fixtures every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

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

BOTH_DATABASES = os.environ.get("BRIDGE_TEST_DATABASES") == "both"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, then leave what is there out of its rounds.

    Some 400,000 objects stay until the end; going through them again and again took a tenth of a short test's time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what is about time and judgement on SQLite alone, unless both databases are asked for."""
    if BOTH_DATABASES:
        return
    spared = [item for item in items if item.get_closest_marker("judgement") and _on_postgresql(item)]
    config.hook.pytest_deselected(items=spared)
    chosen = set(spared)
    items[:] = [item for item in items if item not in chosen]


def _on_postgresql(item: pytest.Item) -> bool:
    called = getattr(item, "callspec", None)
    return called is not None and called.params.get("kind") == "postgresql"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auto_clock() -> AutoClock:
    return AutoClock()
