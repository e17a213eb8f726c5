"""Runs the coroutine of a client command against the server that the environment names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from bridge.cli.client import BridgeClient
from bridge.cli.connection import read_connection
from bridge.cli.output import say

Result = TypeVar("Result")

_AGAIN = 0.5  # seconds


def open_client() -> BridgeClient:
    """A client for BRIDGE_URL and BRIDGE_API_KEY of the environment and of `.env` in the working directory.

    :raises ConfigurationError: when they cannot be used.
    """
    return BridgeClient(read_connection(os.environ, Path(".env")))


def run(work: Coroutine[Any, Any, Result], *, when_stopped: str | None = None) -> Result:
    """Run a command's coroutine to its end.

    :param when_stopped: what to say when Ctrl-C comes first.
    """
    try:
        return asyncio.run(_heeding(work))
    except KeyboardInterrupt:
        if when_stopped is not None:
            say(when_stopped)
        raise


async def _heeding(work: Coroutine[Any, Any, Result]) -> Result:
    """What the work comes to. Told to stop, it is told again until it does.

    asyncio cancels once for the first Ctrl-C, and a cancellation may get lost in a connection that is just being made.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_AGAIN)
        if not task.cancelled():
            task.exception()  # Ctrl-C is said, not what came of it
        raise
    return task.result()
