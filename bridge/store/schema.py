"""The schema's version: look at a database before using it, and bring it up to date."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from bridge.errors import ConfigurationError
from bridge.loading import load
from bridge.logs import get_logger
from bridge.store.database import kind_of
from bridge.store.postgresql import PostgresBackend, connecting
from bridge.store.revisions import head, revisions
from bridge.store.sqlite import BUSY_TIMEOUT_MS, prepare_engine, problems_of_folder, sqlite_path
from bridge.store.tables import watches

_VERSION = "alembic_version"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
# The key of the advisory lock that whoever migrates a PostgreSQL database holds: "bridge" in ASCII.
_MIGRATION_LOCK = 0x627269646765

_CALLBACKS = (
    "SELECT id, name, config FROM destinations WHERE kind = 'callback' AND origin <> 'deleted' "
    "AND (target = :word OR name = :word OR id = :word) ORDER BY id"
)

Answer = TypeVar("Answer")
_Read = Callable[[str, Mapping[str, str]], Sequence[Any]]
_log = get_logger("bridge.store")


def inspect(url: str) -> list[str]:
    """What would keep ``serve`` from using this database, one sentence each. Creates and changes nothing.

    Blocks; not to be called on an event loop.
    """
    try:
        return _inspect_file(sqlite_path(url)) if kind_of(url) == "sqlite" else _inspect_server(url)
    except ConfigurationError as error:
        return list(error.problems)


def migrate(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> str:
    """Bring the database to :func:`head`, making a SQLite file when there is none; the revision it is at then.

    A SQLite file that holds an older schema is copied first (``<file>.<revision>.bak``). Blocks.

    :param busy_timeout_ms: how long to wait for a lock that another process holds.
    :raises ConfigurationError: it cannot be used (unwritable, not a database, locked, or of a newer version).
    """
    if kind_of(url) == "sqlite":
        _migrate_file(sqlite_path(url), busy_timeout_ms)
    else:
        problems = _problems_of(*_on_server(url, _contents))
        if problems:
            raise ConfigurationError(*problems)
        _on_server(url, _upgrade_server)
    return head()


@dataclass(frozen=True, slots=True)
class Held:
    """What is encrypted in a database: facts by name, and by the id of a key how many destinations."""

    facts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    destinations: Mapping[str, int] = field(default_factory=dict)


def read_held(url: str) -> Held:
    """What a database holds that needs a key. Creates and changes nothing; blocks.

    :raises ConfigurationError: it cannot be used.
    """
    return _reading(url, _held) or Held()


@dataclass(frozen=True, slots=True)
class HeldCallback:
    """A callback as a database holds it. ``name`` is None where it stands in a watch; ``sealed`` are its settings."""

    id: str
    name: str | None
    sealed: bytes = field(repr=False)


def read_callbacks(url: str, word: str) -> list[HeldCallback]:
    """The callbacks that a database holds of one target, or of one name or id. Creates and changes nothing; blocks.

    :raises ConfigurationError: it cannot be used.
    """

    def callbacks(read: _Read) -> list[HeldCallback]:
        return [HeldCallback(row[0], row[1], bytes(row[2])) for row in read(_CALLBACKS, {"word": word})]

    return _reading(url, callbacks) or []


def _reading(url: str, work: Callable[[_Read], Answer]) -> Answer | None:
    """What comes of reading a database; None where a file holds nothing yet."""
    if kind_of(url) == "sqlite":
        return _reading_file(sqlite_path(url).resolve(), work)
    return _on_server(url, lambda server: work(lambda query, values: server.execute(sa.text(query), values).all()))


def _held(read: _Read) -> Held:
    facts = {row[0]: bytes(row[1]) for row in read("SELECT name, value FROM settings", {})}
    counted = read("SELECT config_key, count(*) FROM destinations GROUP BY config_key", {})
    return Held(facts, dict(map(tuple, counted)))


def _upgrade(connection: sa.Connection) -> None:
    load("bridge.store.migrating:upgrade")(connection)


def _problems_of(names: Collection[str], versions: Collection[str], what: str = "the database") -> list[str]:
    """Whether a database is ours and of a version we know."""
    if set(names) - {_VERSION} and not {_VERSION, watches.name} <= set(names):
        return [f"BRIDGE_DATABASE_URL: {what} is a database of another program."]
    return [
        f"BRIDGE_DATABASE_URL: {what} was written by a newer version of video-bridge (schema {version})."
        for version in sorted(set(versions).difference(revisions()))
    ]


# SQLite


def _inspect_file(path: Path) -> list[str]:
    if os.path.isdir(path):
        return [f"BRIDGE_DATABASE_URL: {path} is a folder, not a file."]
    if not os.path.exists(path):
        return problems_of_folder(path)
    problems = (
        [] if os.access(path, os.R_OK | os.W_OK) else [f"BRIDGE_DATABASE_URL: {path} is not readable and writable."]
    )
    return problems + problems_of_folder(path) or _problems_of_file(path)


def _problems_of_file(path: Path) -> list[str]:
    try:
        return _problems_of(*_read_file(path), str(path))
    except sqlite3.Error as error:
        return [f"BRIDGE_DATABASE_URL: {path} cannot be used as a database: {error}."]


def _read_file(path: Path) -> tuple[set[str], set[str]]:
    """The tables of a file and the schema's version."""
    with _looking(path) as connection:
        names = _column(connection, _TABLES)
        versions = _column(connection, "SELECT version_num FROM alembic_version") if _VERSION in names else set()
    return names, versions


def _reading_file(path: Path, work: Callable[[_Read], Answer]) -> Answer | None:
    if not os.path.exists(path):
        return None
    try:
        with _looking(path) as connection:
            if "settings" not in _column(connection, _TABLES):
                return None
            return work(lambda query, values: connection.execute(query, values).fetchall())
    except sqlite3.Error as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {path} cannot be used as a database: {error}.") from error


@contextmanager
def _looking(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads a file without leaving a trace."""
    read_only = f"file:{quote(str(path.absolute()))}?mode=ro"
    if not os.path.exists(f"{path}-wal"):
        read_only += "&immutable=1"  # nobody has it open; without this SQLite would leave two files beside it
    with closing(sqlite3.connect(read_only, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        yield connection


def _column(connection: sqlite3.Connection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query)}


def _migrate_file(path: Path, busy_timeout_ms: int) -> None:
    problems = _inspect_file(path)
    if problems:
        raise ConfigurationError(*problems)
    try:
        # What SQLite makes is readable for others; its journals take the mode of the file.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        _, versions = _read_file(path)
        if versions != {head()}:
            for version in versions:
                _copy_file(path, version)
            _upgrade_file(path, busy_timeout_ms)
    except sa.exc.DBAPIError as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {path} cannot be used: {error.orig}.") from error
    except (sqlite3.Error, OSError) as error:
        problem = f"BRIDGE_DATABASE_URL: {path} cannot be used: {error}."
        raise ConfigurationError(problem) from error


def _upgrade_file(path: Path, busy_timeout_ms: int) -> None:
    """Take the steps that are missing, all in one transaction: a crash in between leaves the old schema."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    prepare_engine(engine, busy_timeout_ms, foreign_keys=False)
    try:
        with engine.execution_options(bridge_write=True).begin() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


def _copy_file(path: Path, version: str) -> None:
    """Keep the database as it was under the older schema. A copy that is there already is the one to go back to."""
    copy = path.with_name(f"{path.name}.{version}.bak")
    if copy.exists():
        return
    half = copy.with_name(f"{copy.name}.part")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as target:
        source.backup(target)
    half.rename(copy)
    _log.info("database_copied", copy=str(copy), schema=version)


# PostgreSQL


def _inspect_server(url: str) -> list[str]:
    names, versions = _on_server(url, _contents)
    problems = _problems_of(names, versions)
    if problems or set(versions) == {head()}:
        return problems
    state = "is empty" if not versions else f"has an older schema ({', '.join(sorted(versions))})"
    return [f"BRIDGE_DATABASE_URL: the database {state}. Run `video-bridge migrate` once, then start the servers."]


def _contents(connection: sa.Connection) -> tuple[list[str], list[str]]:
    names = sa.inspect(connection).get_table_names()
    if _VERSION not in names:
        return names, []
    return names, list(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())


def _upgrade_server(connection: sa.Connection) -> None:
    # Whoever comes second waits here, and finds nothing left to do.
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    _upgrade(connection)


def _on_server(url: str, work: Callable[[sa.Connection], Answer]) -> Answer:
    """Do something in one transaction, on an event loop of its own.

    :raises ConfigurationError: the server cannot be used.
    """

    async def run() -> Answer:
        backend = PostgresBackend(url, command_timeout=None)
        try:
            async with backend.writer.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await backend.reader.dispose()

    connecting(url)
    try:
        return asyncio.run(run())
    except (sa.exc.DBAPIError, OSError) as error:
        words = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: the PostgreSQL server cannot be used: {words}.") from error
