import pytest

from tests.fuzz import FULL


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what takes minutes to `make fuzz`."""
    if FULL:
        return
    full_only = [item for item in items if item.get_closest_marker("fuzz")]
    config.hook.pytest_deselected(items=full_only)
    items[:] = [item for item in items if item not in full_only]
