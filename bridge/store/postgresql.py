"""PostgreSQL through asyncpg: any number of replicas share one database.

The URL is libpq's, as asyncpg reads it (``sslmode``, ``sslrootcert``, ``host=/run/postgresql`` …). Two parameters are
ours: ``pool_size`` (connections a process may open, 10) and ``prepared_statements=off`` for a pooler in transaction
mode that cannot keep them (PgBouncer before 1.21).
"""

from __future__ import annotations

import importlib
import importlib.util
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic_core import from_json
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bridge.errors import Away, ConfigurationError

CONNECT_TIMEOUT = 5.0
# A server that answers nothing for so long is away, seconds.
COMMAND_TIMEOUT = 15.0
POOL_SIZE = 10
_POOL_TIMEOUT = 10.0

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY_CODES = {
    "40001": Away.BUSY,  # serialization_failure
    "40P01": Away.BUSY,  # deadlock_detected
    "55P03": Away.LOCKED,  # lock_not_available
    "57014": Away.BUSY,  # query_canceled: a statement_timeout
    "25006": Away.READ_ONLY,  # read_only_sql_transaction: a standby
    "53100": Away.FULL,  # disk_full
}
_AWAY_CLASSES = {"08": Away.UNREACHABLE, "57": Away.UNREACHABLE, "53": Away.BUSY, "58": Away.BROKEN}


@dataclass(frozen=True, slots=True)
class Connecting:
    """How to connect: the URL as asyncpg takes it, and what is for us."""

    dsn: str
    pool_size: int = POOL_SIZE
    prepared_statements: bool = True
    command_timeout: float | None = COMMAND_TIMEOUT

    async def connect(self, **_: Any) -> Any:
        """A new connection of asyncpg.

        :raises OSError: there is none to be had, in the server's or the network's words.
        """
        driver = _driver()
        cache = {} if self.prepared_statements else {"statement_cache_size": 0}
        try:
            return await driver.connect(
                self.dsn,
                timeout=CONNECT_TIMEOUT,
                command_timeout=self.command_timeout,
                server_settings={"application_name": "video-bridge"},
                **cache,
            )
        except (driver.PostgresError, driver.InterfaceError) as error:
            # SQLAlchemy translates what statements raise, but not this.
            raise ConnectionError(str(error)) from error


def connecting(url: str) -> Connecting:
    """What a URL says about connecting.

    :raises ConfigurationError: one of our parameters has another value than it may have.
    """
    scheme, netloc, path, query, fragment = urlsplit(url)
    given = dict(parse_qsl(query, keep_blank_values=True))
    size = given.pop("pool_size", str(POOL_SIZE))
    prepared = given.pop("prepared_statements", "on")
    problems = []
    if not (size.isascii() and size.isdigit() and 1 <= int(size[:4]) <= 100):
        problems.append("BRIDGE_DATABASE_URL: pool_size must be a whole number from 1 to 100.")
    if prepared not in ("on", "off"):
        problems.append("BRIDGE_DATABASE_URL: prepared_statements must be on or off.")
    if problems:
        raise ConfigurationError(*problems)
    dsn = urlunsplit((scheme, netloc, path, urlencode(given), fragment))
    return Connecting(dsn, int(size), prepared == "on")


class PostgresBackend:
    """A server. Readers see one picture each (REPEATABLE READ), writers lock the rows they decide by.

    :param command_timeout: how long one statement may take, seconds; None for as long as it takes.
    """

    kind: Literal["postgresql"] = "postgresql"

    def __init__(self, url: str, command_timeout: float | None = COMMAND_TIMEOUT) -> None:
        how = replace(connecting(url), command_timeout=command_timeout)
        _driver()
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=how.connect,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=how.pool_size,
            max_overflow=0,
            pool_timeout=_POOL_TIMEOUT,
            pool_pre_ping=True,
            connect_args=_connect_args(how),
            json_deserializer=from_json,
        )
        self.reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writer = engine.execution_options(isolation_level="READ COMMITTED")

    @asynccontextmanager
    async def turn(self, *, ahead: bool) -> AsyncIterator[None]:
        """Writers need no turn: the server has its own locks."""
        yield

    async def move_log(self) -> None:
        """The server sees to its own log."""

    def away(self, error: BaseException) -> Away | None:
        """Why the server could not be used just now; None when it could, and refused."""
        if isinstance(error, OSError):  # TimeoutError among them
            return Away.UNREACHABLE
        if isinstance(error, exc.TimeoutError):
            return Away.BUSY
        if not isinstance(error, exc.DBAPIError):
            return None
        code = str(getattr(error.orig, "sqlstate", None) or "")
        if code in _AWAY_CODES:
            return _AWAY_CODES[code]
        if code[:2] in _AWAY_CLASSES:
            return _AWAY_CLASSES[code[:2]]
        gone = error.connection_invalidated or (isinstance(error, exc.InterfaceError) and not code)
        return Away.UNREACHABLE if gone else None


def _connect_args(how: Connecting) -> Mapping[str, Any]:
    if how.prepared_statements:
        return {}
    # Behind a pooler the next transaction may be on a connection that knows the same name.
    return {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: f"__bridge_{uuid.uuid4()}__"}


def _driver() -> Any:
    """asyncpg, which is an extra.

    :raises ConfigurationError: it is not installed.
    """
    if importlib.util.find_spec("asyncpg") is None:
        raise ConfigurationError(
            "BRIDGE_DATABASE_URL names a PostgreSQL server, for which the driver is missing: "
            "pip install 'video-bridge[postgres]'."
        )
    return importlib.import_module("asyncpg")
