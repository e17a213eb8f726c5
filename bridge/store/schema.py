"""The schema's version: look at a database before using it, and bring it up to date."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from bridge.errors import ConfigurationError
from bridge.store.database import BUSY_TIMEOUT_MS, prepare_engine, problems_of_folder, sqlite_path
from bridge.store.tables import watches

_MIGRATIONS = Path(__file__).with_name("migrations")
_VERSION = "alembic_version"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def head() -> str:
    """The revision this version of the program works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101 - there is always a first step
    return revision


def inspect(url: str) -> list[str]:
    """What would keep ``serve`` from using this database, one sentence each. Creates and changes nothing."""
    try:
        path = sqlite_path(url)
    except ConfigurationError as error:
        return list(error.problems)
    if os.path.isdir(path):
        return [f"BRIDGE_DATABASE_URL: {path} is a folder, not a file."]
    if not os.path.exists(path):
        return problems_of_folder(path)
    problems = (
        [] if os.access(path, os.R_OK | os.W_OK) else [f"BRIDGE_DATABASE_URL: {path} is not readable and writable."]
    )
    return problems + problems_of_folder(path) or _problems_of_file(path)


def holds_secrets(path: Path) -> bool:
    """Whether the file holds something encrypted already, which needs the key it was encrypted with."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            return "settings" in sa.inspect(connection).get_table_names() and bool(
                connection.execute(sa.text("SELECT count(*) FROM settings")).scalar_one()
            )
    finally:
        engine.dispose()


def migrate(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> str:
    """Bring the database to :func:`head`, making the file when there is none; the revision it is at then.

    :param busy_timeout_ms: how long to wait for a lock that another process holds.
    :raises ConfigurationError: it cannot be used (unwritable, not a database, locked, or of a newer version).
    """
    problems = inspect(url)
    if problems:
        raise ConfigurationError(*problems)
    path = sqlite_path(url)
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    prepare_engine(engine, busy_timeout_ms)  # all steps are one transaction: a crash in between leaves the old schema
    try:
        with engine.execution_options(bridge_write=True).begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except sa.exc.DBAPIError as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: {path} cannot be used: {error.orig}.") from error
    finally:
        engine.dispose()
    return head()


def _problems_of_file(path: Path) -> list[str]:
    """Whether an existing file is a database of ours and of a version we know."""
    read_only = f"file:{quote(str(path.absolute()))}?mode=ro"
    if not os.path.exists(f"{path}-wal"):
        read_only += "&immutable=1"  # nobody has it open; without this SQLite would leave two files beside it
    try:
        with closing(sqlite3.connect(read_only, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            names = _column(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
            versions = _column(connection, "SELECT version_num FROM alembic_version") if _VERSION in names else set()
    except sqlite3.Error as error:
        return [f"BRIDGE_DATABASE_URL: {path} cannot be used as a database: {error}."]
    if names - {_VERSION} and not names >= {_VERSION, watches.name}:
        return [f"BRIDGE_DATABASE_URL: {path} is a database of another program."]
    known = {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}
    return [
        f"BRIDGE_DATABASE_URL: {path} was written by a newer version of video-bridge (schema {version})."
        for version in sorted(versions - known)
    ]


def _column(connection: sqlite3.Connection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query)}
