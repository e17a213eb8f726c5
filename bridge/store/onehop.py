"""SQLAlchemy's dialect for aiosqlite, with one trip to the connection's thread for a statement where that has four.

aiosqlite makes a cursor, executes, fetches and closes with a hand-over to its thread for each, and under load each of
them waits for the interpreter's lock and for its turn on the event loop. Rows are small here and always fetched at
once, so all of it can be done in one.

For the same reason a transaction that only reads begins together with its first statement, nobody waits for its end,
and nothing is rolled back where nothing is open. Of the six trips of a request that reads three tables three are left.

The statements of a transaction that is said to be brief make no trip at all: they are run by who asks, on the event
loop. A row by its key takes a tenth of a millisecond; the trip there and back takes a round of the loop, and those take
milliseconds when it is busy. What may have to wait still goes to the thread: a commit, and the lock of a writer while
another process has it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, OperationalError
from typing import Any, cast

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)

DRIVER = "sqlite+onehop"
"""The scheme of a URL that uses it."""


FEW = 50
"""A statement for more rows than this is not brief."""


@dataclass(frozen=True, slots=True)
class _Executed:
    """What a statement gave."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None


def _execute(connection: Connection, statement: str, parameters: Any, many: bool, begin: bool) -> _Executed:
    """Run in the connection's thread."""
    cursor = connection.cursor()
    try:
        if begin:
            cursor.execute("BEGIN")
        if many:
            cursor.executemany(statement, parameters)
        else:
            cursor.execute(statement, () if parameters is None else parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return _Executed(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()


class OneHopCursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that is there only while its statement runs; what came of that is kept."""

    __slots__ = ("_executed",)

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows: deque[Any] = deque()
        self._executed = _Executed()

    @property
    def description(self) -> Any:
        """The columns of the rows; None when there are none."""
        return self._executed.description

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        return self._executed.rowcount

    @property
    def lastrowid(self) -> Any:
        """The row that was inserted last."""
        return self._executed.lastrowid

    def close(self) -> None:
        """Drop rows that nobody fetched."""
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """There is nothing left to close."""

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._run(operation, parameters, many=False)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._run(operation, seq_of_parameters, many=True)

    async def _run(self, statement: str, parameters: Any, *, many: bool) -> None:
        adapted = cast(OneHopConnection, self._adapt_connection)
        connection: Any = self._connection
        async with adapted._execute_mutex:
            begin = adapted.begins()
            what = (connection._conn, statement, parameters, many, begin)
            if adapted.runs_here(len(parameters) if many else 1, begin):
                self._executed = _execute(*what)
            else:
                self._executed = await connection._execute(_execute, *what)
        self._rows = deque(self._executed.rows)


class OneHopConnection(AsyncAdapt_aiosqlite_connection):
    """A connection with such cursors.

    ``brief``: whether the present transaction is.
    """

    __slots__ = ("_ending", "_reading", "_to_begin", "brief")

    _cursor_cls: Any = OneHopCursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self.brief = False
        self._to_begin = False
        self._reading = False
        self._ending = False  # a reading ends on the thread, and nobody waits for that

    def runs_here(self, rows: int, begin: bool) -> bool:
        """Whether a statement for so many rows is run by who asks, rather than by the connection's thread."""
        connection: Any = self._connection
        # The end of a reading that nobody waited for may still be on its way to the thread.
        return self.brief and rows <= FEW and not (begin and connection._conn.in_transaction)

    def begin_reading(self) -> None:
        """Begin a transaction that only reads, with its first statement."""
        self._to_begin, self._ending = True, False

    def begin_writing(self) -> bool:
        """Begin a transaction that writes, unless another process does; whether it began.

        That needs no trip: only writers of other processes are waited for, those of this one take turns.
        """
        self._ending = False
        connection: Connection = self._connection._conn
        if connection.in_transaction:  # the end of a former one is still on its way to the thread
            return False
        ((patience,),) = connection.execute("PRAGMA busy_timeout").fetchall()
        connection.execute("PRAGMA busy_timeout=0")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except OperationalError:
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout={patience}")
        return True

    def begins(self) -> bool:
        """Whether a transaction begins with the statement that is about to be run."""
        begins, self._to_begin = self._to_begin, False
        self._reading = self._reading or begins
        return begins

    def commit(self) -> None:
        """End the transaction; what it wrote is durable then."""
        if not self._is_over():
            super().commit()

    def rollback(self) -> None:
        """End the transaction, as if it had never been."""
        if not self._is_over():
            super().rollback()

    def _is_over(self) -> bool:
        """Whether there is nothing to wait for: no transaction is open, or one whose end nobody needs to hear of."""
        connection: Any = self._connection
        if self._to_begin or connection._connection is None:
            self._to_begin = False
            return True
        if self._reading:
            self._reading = False
            if self.brief:
                connection._connection.rollback()
            else:  # before whatever comes next
                connection._tx.put_nowait((None, connection._connection.rollback))
                self._ending = True
            return True
        return self._ending or not connection._connection.in_transaction


class _Dbapi(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arg: Any, **kw: Any) -> OneHopConnection:
        made = super().connect(*arg, **kw)
        return OneHopConnection(self, made._connection)


class OneHopDialect(SQLiteDialect_aiosqlite):
    """The dialect."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> AsyncAdapt_aiosqlite_dbapi:
        """The driver."""
        return _Dbapi(__import__("aiosqlite"), __import__("sqlite3"))


registry.register("sqlite.onehop", __name__, OneHopDialect.__name__)
