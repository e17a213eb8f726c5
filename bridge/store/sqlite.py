"""SQLite, set up so that it neither loses nor refuses.

WAL, ``synchronous=FULL``, writers begin with ``BEGIN IMMEDIATE`` (a transaction that reads first and writes later
cannot be upgraded once another writer was in between: https://www.sqlite.org/lang_transaction.html), and one process
holds the file by a lock beside it.

What is written goes to a log first and from there into the file (https://www.sqlite.org/wal.html). SQLite does the
latter in the commit that finds the log long, for tens of milliseconds in which no other writer has a turn. Here it is
done beside them, once a second, and by a commit only when the log is very long.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic_core import from_json
from sqlalchemy import URL, Connection, Engine, event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.errors import Away, ConfigurationError, StoreUnavailableError
from bridge.store.onehop import DRIVER, OneHopConnection
from bridge.store.turns import Turns

BUSY_TIMEOUT_MS = 5_000
LONG_LOG = 16_384
"""So many pages of the log (64 MiB) are moved into the file by whoever commits, when nobody else did."""

# https://www.sqlite.org/rescode.html
_AWAY = {
    sqlite3.SQLITE_BUSY: Away.LOCKED,
    sqlite3.SQLITE_LOCKED: Away.LOCKED,
    sqlite3.SQLITE_FULL: Away.FULL,
    sqlite3.SQLITE_READONLY: Away.READ_ONLY,
}


class SqliteBackend:
    """A file. Writers of this process take turns here rather than in SQLite's busy handler, which is not fair."""

    kind: Literal["sqlite"] = "sqlite"

    def __init__(self, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self._path = sqlite_path(url)
        self.reader = self._engine(8, 8, busy_timeout_ms)
        # Always on the same connection: whoever writes on another one makes this one forget every page it has read.
        self.writer = self._engine(1, 1, busy_timeout_ms).execution_options(bridge_write=True)
        self._turns = Turns()

    def _engine(self, size: int, more: int, busy_timeout_ms: int) -> AsyncEngine:
        engine = create_async_engine(
            URL.create(DRIVER, database=str(self._path)),
            pool_size=size,
            max_overflow=more,
            connect_args={"check_same_thread": False},
            json_deserializer=from_json,
        )
        prepare_engine(engine.sync_engine, busy_timeout_ms)
        event.listen(engine.sync_engine, "connect", _leave_the_log)
        return engine

    def turn(self, *, ahead: bool) -> AbstractAsyncContextManager[None]:
        """Held by the one writer of this process."""
        return self._turns.one(ahead=ahead)

    async def move_log(self) -> None:
        """Move what was written from the log into the file, as far as no reader needs it there; nobody waits for it.

        :raises StoreUnavailableError: there is no room for it, or the file cannot be written.
        """
        await asyncio.to_thread(_move_log, self._path)

    def away(self, error: BaseException) -> Away | None:
        """Why the file could not be used just now; None when it could, and SQLite refused."""
        if isinstance(error, exc.TimeoutError):
            return Away.BUSY
        refusals = exc.IntegrityError | exc.DataError | exc.ProgrammingError | exc.NotSupportedError
        if not isinstance(error, exc.DBAPIError) or isinstance(error, refusals):
            return Away.BROKEN if isinstance(error, OSError) else None
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return _AWAY.get(code, Away.BROKEN)


def sqlite_path(url: str) -> Path:
    """The file a ``sqlite:///`` URL names."""
    database = make_url(url).database
    assert database  # noqa: S101 - the settings take no other URL
    return Path(database)


# What to do when another process holds the file, depending on what this one is.
OR_ANOTHER_FILE = "Stop it, or give this one a file of its own."
AND_START_IT_AGAIN = "Stop it, run this again, then start it."


def lock_file(path: Path, remedy: str = OR_ANOTHER_FILE) -> FileLock:
    """Hold the database file for this process alone; release the returned lock at the end.

    :param remedy: what to do when another process holds it, a sentence.
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
            f"BRIDGE_DATABASE_URL: another `video-bridge serve` is using {path}. {remedy}"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {path} cannot be used: {error.strerror or error}.") from error
    return lock


def held_by_another(path: Path) -> str | None:
    """What to say when another process holds the database file; None when it is free. Nothing is made or kept."""
    if not os.path.exists(f"{path}.lock"):
        return None
    try:
        lock_file(path).release()
    except ConfigurationError as error:
        return error.problems[0]
    return None


def scrub_file(path: Path) -> None:
    """Write the file anew, without the free pages that hold what was deleted or overwritten. Blocks.

    :raises StoreUnavailableError: there is no room for that, or it is in use.
    """
    with (
        _translated(path, "could not be written anew"),
        closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)) as connection,
    ):
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _move_log(path: Path) -> None:
    with (
        _translated(path, "cannot be written"),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as connection,
    ):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


@contextmanager
def _translated(path: Path, problem: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        away = _AWAY.get(error.sqlite_errorcode & 0xFF, Away.BROKEN)
        raise StoreUnavailableError(f"{path} {problem}: {error}", away) from error


def problems_of_folder(path: Path) -> list[str]:
    """What keeps a database file from being made or used in its folder, one sentence each."""
    folder = path.absolute().parent
    if not os.path.isdir(folder):  # unlike pathlib's, it does not raise when a folder above cannot be entered
        return [f"BRIDGE_DATABASE_URL: the folder {folder} does not exist."]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"BRIDGE_DATABASE_URL: the folder {folder} is not writable (SQLite keeps files beside the database)."]
    return []


def prepare_engine(engine: Engine, busy_timeout_ms: int = BUSY_TIMEOUT_MS, *, foreign_keys: bool = True) -> None:
    """Make an engine's connections durable and its transactions explicit (see the module's text).

    :param foreign_keys: whether references are enforced. A migration must not: it makes a table anew by dropping the
        old one, and that would take along what refers to it (https://www.sqlite.org/lang_altertable.html, section 7).
    """
    event.listen(engine, "connect", lambda connection, _record: _prepare(connection, busy_timeout_ms, foreign_keys))
    event.listen(engine, "begin", _begin)


def _prepare(connection: Any, busy_timeout_ms: int, foreign_keys: bool) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={busy_timeout_ms}",  # first of all: the next one needs a lock
        "journal_mode=WAL",
        "synchronous=FULL",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _leave_the_log(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA wal_autocheckpoint={LONG_LOG}")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("bridge_write", False)
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, OneHopConnection):  # a migration's
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        return
    driver.brief = False
    if writes:
        if not driver.begin_writing():  # another process holds the lock; the thread can wait for it
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        driver.begin_reading()
    driver.brief = options.get("bridge_brief", False)
