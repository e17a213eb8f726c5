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
        return asyncio.run(work)
    except KeyboardInterrupt:
        if when_stopped is not None:
            say(when_stopped)
        raise
