"""The database: one engine, short transactions, errors in our own words.

SQLite is set up so that it neither loses nor refuses: WAL, ``synchronous=FULL``, writers begin with ``BEGIN IMMEDIATE``
(a transaction that reads first and writes later cannot be upgraded once another writer was in between:
https://www.sqlite.org/lang_transaction.html), and one process holds the file by a lock beside it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, event, exc, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bridge.clock import Clock
from bridge.errors import ConfigurationError, StoreError, StoreUnavailableError

Transaction = AsyncConnection

BUSY_TIMEOUT_MS = 5_000


class Database:
    """Hands out transactions; everything else of the store takes one as its first argument.

    :param url: ``sqlite:///file`` as in ``BRIDGE_DATABASE_URL``.
    :param clock: what :meth:`now` reads. A lease is measured by this clock alone.
    :param busy_timeout_ms: how long to wait for a lock that another process holds.
    """

    def __init__(self, url: str, clock: Clock, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.path = sqlite_path(url)
        self._clock = clock
        file = URL.create("sqlite+aiosqlite", database=str(self.path))
        self._engine = create_async_engine(file, pool_size=8, max_overflow=8)
        self._writer = self._engine.execution_options(bridge_write=True)
        self._turn = asyncio.Lock()
        prepare_engine(self._engine.sync_engine, busy_timeout_ms)

    def now(self) -> float:
        """The time leases and due times are measured by, Unix seconds."""
        return self._clock.now()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that only reads: one consistent picture.

        :raises StoreUnavailableError: the database is away.
        """
        async with _translated(), self._engine.begin() as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction that may write; committed at the end, rolled back by an exception.

        Writers of this process take turns here rather than in SQLite's busy handler, which is not fair.

        :raises StoreUnavailableError: the database is away.
        """
        async with _translated(), self._turn, self._writer.begin() as tx:
            yield tx

    async def ping(self) -> None:
        """Return when the database answers.

        :raises StoreUnavailableError: it does not.
        """
        async with self.read() as tx:
            await tx.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def sqlite_path(url: str) -> Path:
    """The file a ``sqlite:///`` URL names.

    :raises ConfigurationError: the URL is of another database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise ConfigurationError(
            f"BRIDGE_DATABASE_URL names a {parsed.get_backend_name()} database; this version keeps its data in SQLite: "
            "set it to sqlite:///bridge.db."
        )
    return Path(parsed.database)


def lock_file(path: Path) -> FileLock:
    """Hold the database file for this process alone; release the returned lock at the end.

    :raises ConfigurationError: another process holds it, or its folder cannot be written.
    """
    problems = problems_of_folder(path)
    if problems:  # the lock would make a folder that is not there
        raise ConfigurationError(*problems)
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(
            f"BRIDGE_DATABASE_URL: another `video-bridge serve` is using {path}. Stop it, or give this one a file of "
            "its own."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {path} cannot be used: {error.strerror or error}.") from error
    return lock


def problems_of_folder(path: Path) -> list[str]:
    """What keeps a database file from being made or used in its folder, one sentence each."""
    folder = path.absolute().parent
    if not os.path.isdir(folder):  # unlike pathlib's, it does not raise when a folder above cannot be entered
        return [f"BRIDGE_DATABASE_URL: the folder {folder} does not exist."]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"BRIDGE_DATABASE_URL: the folder {folder} is not writable (SQLite keeps files beside the database)."]
    return []


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError) as error:
        raise StoreError(f"the database refused: {_cause(error)}") from error
    except (exc.DBAPIError, exc.TimeoutError) as error:
        raise StoreUnavailableError(f"the database is away: {_cause(error)}") from error


def _cause(error: exc.SQLAlchemyError) -> str:
    """The driver's own words, without the statement and its parameters (they may hold what strangers wrote)."""
    return str(getattr(error, "orig", None) or type(error).__name__)


def prepare_engine(engine: Engine, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
    """Make an engine's connections durable and its transactions explicit (see the module's text)."""
    event.listen(engine, "connect", lambda connection, _record: _prepare_sqlite(connection, busy_timeout_ms))
    event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite(connection: Any, busy_timeout_ms: int) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={busy_timeout_ms}",  # first of all: the next one needs a lock
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("bridge_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
