"""Opening the database of a bridge: its lock, its key, its schema, and what the environment puts into it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bridge.app.keys import open_keys, require_keys, unfit
from bridge.clock import Clock, SystemClock
from bridge.errors import Away, ConfigurationError, SecretsError, StoreUnavailableError
from bridge.logs import get_logger
from bridge.registry.destinations import default_rows
from bridge.registry.environment import default_destinations
from bridge.secrets import SecretBox
from bridge.settings import Settings
from bridge.store import (
    AND_START_IT_AGAIN,
    OR_ANOTHER_FILE,
    Database,
    deliveries,
    destinations,
    inspect,
    lock_file,
    migrate,
    read_held,
    sqlite_path,
    standing,
    videos,
)
from bridge.upkeep import heal_at_start

# How long to wait at start for a server that is just being started itself, seconds.
SERVER_PATIENCE = 30.0
_ASK_AGAIN = 1.0

_log = get_logger("bridge.app")


@dataclass(frozen=True, slots=True)
class Opened:
    """A database that is ready, the box that opens what is encrypted in it, and the pepper of its digests."""

    database: Database
    box: SecretBox
    pepper: bytes


async def open_database(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Opened:
    """The database the settings name, closed again by the stack.

    :raises ConfigurationError: the database or its key cannot be used.
    """
    if settings.database_kind == "sqlite":
        database, box = await _open_file(settings, clock, stack)
    else:
        database, box = await _open_server(settings, clock, stack)
    return Opened(database, box, await _start(database, box, settings))


async def open_existing(settings: Settings, clock: Clock, stack: AsyncExitStack) -> tuple[Database, SecretBox]:
    """A database that was served before and the keys that fit it, to work on it beside or instead of a server.

    :raises ConfigurationError: there is none, it cannot be used, or the keys do not fit.
    """
    file = settings.database_file
    if file is not None and not await asyncio.to_thread(_was_served, settings.database_url):
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {file} holds nothing yet; `video-bridge serve` makes it.")
    if file is None:
        database, box = await _open_server(settings, clock, stack)
    else:
        database, box = await _open_file(settings, clock, stack, AND_START_IT_AGAIN)
    try:
        async with database.write() as tx:
            await standing.pepper(tx, box)
    except SecretsError as error:
        raise unfit(error) from error
    return database, box


def _was_served(url: str) -> bool:
    problems = inspect(url)
    if problems:
        raise ConfigurationError(*problems)
    return bool(read_held(url).facts)


async def _open_file(
    settings: Settings, clock: Clock, stack: AsyncExitStack, remedy: str = OR_ANOTHER_FILE
) -> tuple[Database, SecretBox]:
    """A file, held by this process alone and brought up to date.

    :param remedy: what to do when another process holds it.
    """
    path = sqlite_path(settings.database_url).resolve()  # one lock and one key, however the file is spelled
    problems = await asyncio.to_thread(inspect, settings.database_url)
    if problems:  # before a key is missed or made for what is no database of ours
        raise ConfigurationError(*problems)
    stack.callback(lock_file(path, remedy).release)
    box = (await asyncio.to_thread(open_keys, settings)).box
    await asyncio.to_thread(migrate, settings.database_url)
    database = Database(settings.database_url, clock)
    stack.push_async_callback(database.aclose)
    return database, box


async def _open_server(settings: Settings, clock: Clock, stack: AsyncExitStack) -> tuple[Database, SecretBox]:
    """A server that others use, too: its schema is changed by ``video-bridge migrate`` alone."""
    box = open_keys(settings).box
    database = Database(settings.database_url, clock, server_time=isinstance(clock, SystemClock))
    stack.push_async_callback(database.aclose)
    await _await_server(database, clock)
    problems = await asyncio.to_thread(inspect, settings.database_url)
    if problems:
        raise ConfigurationError(*problems)
    await database.set_clock()
    return database, box


async def _await_server(database: Database, clock: Clock) -> None:
    until = clock.monotonic() + SERVER_PATIENCE
    said = False
    while True:
        try:
            await database.ping()
        except StoreUnavailableError as error:
            if clock.monotonic() >= until:
                raise ConfigurationError(f"BRIDGE_DATABASE_URL: {error}.") from error
            if not said:
                _log.warning("waiting_for_database", error=str(error), seconds=SERVER_PATIENCE)
                said = True
            await clock.sleep(_ASK_AGAIN)
        else:
            return


async def _start(database: Database, box: SecretBox, settings: Settings) -> bytes:
    """Put time right, check the key, free what was held before us, bring in what the environment names; the pepper."""
    freed = 0
    try:
        await heal_at_start(database, longest_wait=settings.poll_max_interval)
        async with database.write() as tx:
            await database.alone(tx, "start")
            now = database.now()
            pepper = await standing.pepper(tx, box)
            if database.kind == "sqlite":  # whoever had leases in this file is gone
                freed = await videos.release_all(tx, now) + await deliveries.release_all(tx, now)
            rows = default_rows(box, default_destinations(settings), now, await destinations.ids_by_name(tx))
            await destinations.put_environment(tx, rows, now)
            await require_keys(tx, box)
    except SecretsError as error:
        raise unfit(error) from error
    except StoreUnavailableError as error:
        if error.away is Away.BROKEN:
            raise
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {error}.") from error
    if freed:
        _log.info("leases_freed", number=freed)
    return pepper
