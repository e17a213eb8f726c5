"""The parts of a bridge and the servers around them."""

import pytest

from tests.chaos import FULL
from tests.parts import hook, logs, parts, provider, receiver, simulator

__all__ = ["hook", "logs", "parts", "provider", "receiver", "simulator"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what takes minutes to `make chaos`."""
    if FULL:
        return
    full_only = [item for item in items if item.get_closest_marker("chaos")]
    config.hook.pytest_deselected(items=full_only)
    items[:] = [item for item in items if item not in full_only]
