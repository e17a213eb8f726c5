"""Fixtures every test may use."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Generator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests import compiled
from tests.clock import AutoClock, ManualClock
from tests.patience import PatientLoop

# The machines tests run on are shared: how long one example takes says nothing.
settings.register_profile(
    "shared-machine", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared-machine")
compiled.share()
# A script's background job ignores Ctrl-C, and so does all that it starts: what tests it would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Short and plain: what structlog shows otherwise draws every traceback with the values of all variables.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
)

DATABASES = os.environ.get("BRIDGE_TEST_DATABASES", "")
# What is about SQL, leases and time that replicas share runs on both databases, always.
ON_BOTH = tuple(
    f"tests/{place}"
    for place in (
        "chaos/",
        "store/",
        "upkeep/test_shared_time.py",
        "poller/test_commits.py",
        "poller/test_leases.py",
        "poller/test_replicas.py",
        "registry/test_register.py",
        "sender/test_stability.py",
    )
)


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


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that tests run on, and what they start inside themselves; a folder's conftest.py may name another."""
    return {"patient": PatientLoop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the second run of most tests, on PostgreSQL, to `make postgres-test`, which makes that alone."""
    if DATABASES == "both":
        return
    wanted = DATABASES == "postgresql"
    left = [item for item in items if _could_wait(item) is not wanted]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]


def _could_wait(item: pytest.Item) -> bool:
    """Whether this is the run on PostgreSQL of a test that SQLite shows nearly as much of."""
    called = getattr(item, "callspec", None)
    second = called is not None and called.params.get("kind") == "postgresql"
    return second and not item.nodeid.startswith(ON_BOTH)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auto_clock() -> AutoClock:
    return AutoClock()
