"""The database: short transactions on either kind of engine, errors in our own words.

What is special about each kind stands in :mod:`bridge.store.sqlite` and :mod:`bridge.store.postgresql`.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

from sqlalchemy import exc, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.clock import Clock, SteadyClock
from bridge.errors import Away, StoreConflictError, StoreError, StoreUnavailableError
from bridge.store import shared_clock
from bridge.store.postgresql import PostgresBackend
from bridge.store.shared_clock import SharedClock
from bridge.store.sqlite import BUSY_TIMEOUT_MS, SqliteBackend

PRESSED_FOR = 2.0
"""So long after somebody wrote who had to wait for a turn the next one is expected, seconds."""

Transaction = AsyncConnection
Kind = Literal["sqlite", "postgresql"]


class Backend(Protocol):
    """What the two kinds of database differ in."""

    @property
    def kind(self) -> Kind:
        """Which kind it is."""
        ...

    reader: AsyncEngine
    writer: AsyncEngine

    def turn(self, *, ahead: bool) -> AbstractAsyncContextManager[None]:
        """Held by a writer of this process; who goes ahead has it before those who do not."""
        ...

    async def move_log(self) -> None:
        """Do what writers leave for later; nobody waits for it."""
        ...

    def away(self, error: BaseException) -> Away | None:
        """Why the database could not be used just now; None when it could, and refused."""
        ...


class Database:
    """Hands out transactions; everything else of the store takes one as its first argument.

    :param url: ``sqlite:///file`` or ``postgresql://…`` as in ``BRIDGE_DATABASE_URL``.
    :param clock: the machine's clock.
    :param busy_timeout_ms: how long to wait for a lock that another process holds (SQLite).
    :param server_time: measure due times and leases by the clock of the PostgreSQL server, which all replicas share,
        instead of ``clock``.
    """

    def __init__(
        self, url: str, clock: Clock, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS, server_time: bool = False
    ) -> None:
        self._backend: Backend = (
            SqliteBackend(url, busy_timeout_ms) if kind_of(url) == "sqlite" else PostgresBackend(url)
        )
        # By whether a transaction is brief.
        self._readers = _both(self._backend.reader)
        self._writers = _both(self._backend.writer)
        self._wall = clock
        self._server_time = server_time and self._backend.kind == "postgresql"
        self.clock = SteadyClock(clock)
        self._written = False  # since the log was moved last
        self._ahead_at = -math.inf  # when somebody last went ahead, by the monotonic clock
        self._followed: float | None = None  # what the shared clock said when this process last read it

    @property
    def kind(self) -> Kind:
        """Which kind of database it is."""
        return self._backend.kind

    def now(self) -> float:
        """The time leases and due times are measured by, Unix seconds."""
        return self.clock.now()

    async def time(self) -> float:
        """What the clock shows that :attr:`clock` goes by: the server's, where replicas share one, else the machine's.

        :raises StoreUnavailableError: the database is away.
        """
        if not self._server_time:
            return self._wall.now()
        before = self._wall.monotonic()
        async with self.read() as tx:
            shown = (await tx.execute(text("SELECT extract(epoch FROM clock_timestamp())::float8"))).scalar_one()
        # On average it was read half-way; by now it shows that much more.
        return float(shown) + (self._wall.monotonic() - before) / 2

    async def set_clock(self) -> None:
        """Let :attr:`clock` show the time it goes by; what others moved before is in it already.

        :raises StoreUnavailableError: the database is away.
        """
        shown = await self.time()
        self.clock.move(shown - self.clock.now())
        self._followed = None
        async with self.write():
            pass  # from here on others are followed

    @asynccontextmanager
    async def read(self, *, brief: bool = False) -> AsyncIterator[Transaction]:
        """A transaction that only reads: one consistent picture.

        :param brief: it takes a few rows by their keys (on SQLite that is done at once, see
            :mod:`bridge.store.onehop`).
        :raises StoreUnavailableError: the database is away.
        """
        async with self._translated(), _begun(self._readers[brief]) as tx:
            yield tx

    @asynccontextmanager
    async def write(self, *, ahead: bool = False, brief: bool = False) -> AsyncIterator[Transaction]:
        """A transaction that may write; committed at the end, rolled back by an exception.

        On PostgreSQL :attr:`clock` follows, before anything is done, what other replicas moved all waits by; so
        :meth:`now` is to be asked in the transaction.

        :param ahead: somebody waits for it, so it goes before what the loops have to write.
        :param brief: it takes and writes a few rows by their keys.

        :raises StoreUnavailableError: the database is away; :raises StoreConflictError: somebody else took a key
            meanwhile that can only be taken once.
        """
        if ahead:
            self._ahead_at = self._wall.monotonic()
        async with self._translated(), self._backend.turn(ahead=ahead), _begun(self._writers[brief]) as tx:
            if self.kind == "postgresql":
                self.follow(await shared_clock.enter(tx))
            yield tx
        self._written = True

    def pressed(self) -> bool:
        """Whether writers have lately gone ahead, so that those who do not should be brief (SQLite)."""
        return self.kind == "sqlite" and self._wall.monotonic() - self._ahead_at < PRESSED_FOR

    @asynccontextmanager
    async def write_alone(self) -> AsyncIterator[tuple[Transaction, SharedClock]]:
        """A transaction that may write while no other replica does, and the clock they share (PostgreSQL).

        :raises StoreUnavailableError: the database is away, or somebody writes for very long.
        """
        async with self._translated(), _begun(self._backend.writer) as tx:
            shared = await shared_clock.stop(tx)
            self.follow(shared.moved)
            yield tx, shared

    def follow(self, moved: float) -> None:
        """Move :attr:`clock` by as much as all waits were moved since this process last followed.

        :param moved: by how much they have been moved in all, seconds. The first time, that is where it starts from.
        """
        by = 0.0 if self._followed is None else moved - self._followed
        self._followed = moved
        if by:
            self.clock.move(by)

    async def alone(self, tx: Transaction, name: str) -> None:
        """Wait until no other replica is in a transaction that asked for the same; ends with the transaction.

        On SQLite there is never a second writer.
        """
        if self.kind == "postgresql":
            key = int.from_bytes(hashlib.sha256(f"video-bridge {name}".encode()).digest()[:8], signed=True)
            await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    async def move_log(self) -> None:
        """Do what writers leave for later, to be brief (:mod:`bridge.store.sqlite`); nobody waits for it.

        :raises StoreUnavailableError: there is no room for it.
        """
        if self._written:
            self._written = False
            await self._backend.move_log()

    async def ping(self) -> None:
        """Return when the database answers.

        :raises StoreUnavailableError: it does not.
        """
        async with self.read() as tx:
            await tx.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._backend.reader.dispose()
        await self._backend.writer.dispose()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (exc.SQLAlchemyError, OSError) as error:
            away = self._backend.away(error)
            if away is not None:
                raise StoreUnavailableError(f"the database is away: {_cause(error)}", away) from error
            kind = StoreConflictError if isinstance(error, exc.IntegrityError) else StoreError
            raise kind(f"the database refused: {_cause(error)}") from error


def _both(engine: AsyncEngine) -> dict[bool, AsyncEngine]:
    return {brief: engine.execution_options(bridge_brief=brief) for brief in (False, True)}


@asynccontextmanager
async def _begun(engine: AsyncEngine) -> AsyncIterator[Transaction]:
    """A transaction on a connection of its own; committed at the end, rolled back by an exception.

    As ``engine.begin()``, which gives the connection back by a task of its own: one more round of a busy event loop, in
    which the next writer waits. When all went well giving it back needs no waiting, and cannot be cut short.
    """
    tx = await engine.connect()
    well = False
    try:
        async with tx.begin():
            yield tx
        well = True
    finally:
        await (tx.close() if well else asyncio.shield(asyncio.ensure_future(tx.close())))


def kind_of(url: str) -> Kind:
    """Which kind of database a URL names."""
    return "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"


def _cause(error: BaseException) -> str:
    """The driver's own words, without the statement and its parameters (they may hold what strangers wrote)."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    cause = getattr(error, "orig", None)
    return str(getattr(cause, "__cause__", None) or cause or type(error).__name__)
