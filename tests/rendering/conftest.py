"""A sandbox for the tests of a file: a process takes a while to start, so they share theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from bridge.rendering import Sandbox
from tests.rendering.helpers import open_sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def brief_sandbox() -> AsyncIterator[Sandbox]:
    """One whose deadline comes soon."""
    async with open_sandbox(seconds=1, check_seconds=1) as sandbox:
        yield sandbox
