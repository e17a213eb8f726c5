"""A whole bridge in the test's own process, on real sockets and a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bridge.app import ALL_ROLES, Role, serve
from bridge.settings import Settings, load_settings
from tests.parts import database_url


def bridge_settings(folder: Path, base_url: str, **environ: str) -> Settings:
    """Settings for a quick bridge on a database in ``folder``, with port 0."""
    defaults: Mapping[str, str] = {
        "BRIDGE_DATABASE_URL": f"sqlite:///{folder / 'bridge.db'}",
        "BRIDGE_PORT": "0",
        "BRIDGE_POLL_MIN_INTERVAL": "0.05",
        "BRIDGE_POLL_MAX_INTERVAL": "0.2",
        "BRIDGE_POLL_RATE": "200",
        "BRIDGE_LOG_LEVEL": "error",
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": "sk-simulated-key-0123456789",
    }
    return load_settings({**defaults, **environ}, dotenv=None)


@asynccontextmanager
async def serving(settings: Settings, roles: Collection[Role] = ALL_ROLES) -> AsyncIterator[str]:
    """The base URL of a bridge that serves until the block ends."""
    file = settings.database_file
    if file is not None:
        with suppress(OSError):  # where no file can be made the test is about that
            database_url(file.parent)  # a migrated one, which is sooner there than made
    stop = asyncio.Event()
    up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(settings, ready=up.set_result, stop=stop, roles=roles))
    waited: set[asyncio.Future[Any]] = {task, up}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield up.result()
    finally:
        stop.set()
        await task
