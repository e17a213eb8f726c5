"""The dialect that goes to the connection's thread once a statement behaves as the one it is made of."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, exc, insert, select, text, update, values

from bridge.clock import SystemClock
from bridge.errors import StoreError
from bridge.store import Database, Transaction, migrate
from bridge.store.onehop import FEW
from bridge.store.tables import settings


async def fill(tx: Transaction, *names: str) -> None:
    await tx.execute(insert(settings), [{"name": name, "value": b"x"} for name in names])


async def test_rows_come_in_order_and_say_what_they_are(tx: Transaction) -> None:
    await fill(tx, "a", "b")
    found = await tx.execute(select(settings.c.name, settings.c.value).order_by(settings.c.name.desc()))
    assert list(found.keys()) == ["name", "value"]
    assert [tuple(row) for row in found] == [("b", b"x"), ("a", b"x")]


async def test_it_says_how_many_rows_were_written(tx: Transaction) -> None:
    await fill(tx, "a", "b", "c")
    written = await tx.execute(update(settings).where(settings.c.name > "a").values(value=b"y"))
    assert written.rowcount == 2
    returned = await tx.execute(update(settings).values(value=b"z").returning(settings.c.name))
    assert sorted(returned.scalars()) == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["first", "one_or_none", "all", "scalar"])
async def test_no_rows_are_no_rows(tx: Transaction, method: str) -> None:
    nothing: Any = getattr(await tx.execute(select(settings.c.name)), method)()
    assert not nothing


async def test_what_sqlite_refuses_is_raised_and_the_next_statement_goes_on(tx: Transaction) -> None:
    await fill(tx, "a")
    with pytest.raises(exc.IntegrityError):
        await fill(tx, "b", "a")
    with pytest.raises(exc.OperationalError):
        await tx.execute(text("SELECT * FROM nowhere"))
    assert (await tx.execute(select(column("column1")).select_from(values(column("column1")).data([(1,)])))).all()


async def test_rows_nobody_fetched_hold_nothing_up(tx: Transaction) -> None:
    await fill(tx, *"abc")
    unread = await tx.execute(select(settings.c.name))
    assert unread.first() is not None
    unread.close()
    await fill(tx, "d")


@pytest.mark.parametrize("brief", [False, True])
async def test_a_reader_holds_nothing_once_it_has_ended(database: Database, path: Path, brief: bool) -> None:
    for _ in range(20):  # more than there are connections
        async with database.read(brief=brief) as tx:
            await tx.execute(select(settings.c.name))
    await database.ping()
    with closing(sqlite3.connect(path)) as other:
        busy, frames, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, frames) == (0, moved)


async def test_nobody_waits_for_the_end_of_a_reading(database: Database) -> None:
    busy = threading.Event()
    try:
        async with asyncio.timeout(20), database.read() as tx:
            await tx.execute(select(settings.c.name))
            connection: Any = (await tx.get_raw_connection()).driver_connection
            connection._tx.put_nowait((None, busy.wait))
    finally:
        busy.set()
    async with database.read() as tx:
        assert (await tx.execute(select(settings.c.name))).all() == []


async def test_a_reader_that_read_nothing_or_was_refused_is_no_matter_for_the_next(database: Database) -> None:
    for _ in range(20):
        async with database.read():
            pass
        with pytest.raises(StoreError):
            async with database.read() as tx:
                await tx.execute(text("SELECT * FROM nowhere"))
    async with database.read() as tx:
        assert (await tx.execute(select(settings.c.name))).all() == []


@pytest.mark.parametrize("brief", [lambda _: False, lambda _: True, lambda number: number % 3 == 0])
async def test_each_reader_sees_what_was_written_before_it_began(
    database: Database, brief: Callable[[int], bool]
) -> None:
    for number in range(20):
        async with database.write(brief=brief(number + 1)) as tx:
            await fill(tx, str(number))
        async with database.read(brief=brief(number)) as tx:
            assert len((await tx.execute(select(settings.c.name))).all()) == number + 1


@pytest.mark.parametrize("brief", [False, True])
async def test_what_a_brief_writer_wrote_is_undone_by_an_exception_and_kept_without(
    database: Database, brief: bool
) -> None:
    async def write(name: str, *, fails: bool) -> None:
        async with database.write(brief=brief) as tx:
            await fill(tx, name)
            if fails:
                raise KeyError

    with pytest.raises(KeyError):
        await write("a", fails=True)
    await write("b", fails=False)
    async with database.read(brief=brief) as tx:
        assert list((await tx.execute(select(settings.c.name))).scalars()) == ["b"]


@pytest.mark.parametrize("rows", [1, FEW, FEW + 1])
async def test_only_few_rows_are_written_without_letting_others_go_on(database: Database, rows: int) -> None:
    async with database.write(brief=True) as tx:
        went_on: list[bool] = []
        asyncio.get_running_loop().call_soon(went_on.append, True)
        await fill(tx, *map(str, range(rows)))
        assert bool(went_on) is (rows > FEW)


async def test_a_writer_begins_without_letting_others_go_on(database: Database) -> None:
    async with database.write():
        pass  # the connection is there
    went_on: list[bool] = []
    asyncio.get_running_loop().call_soon(went_on.append, True)
    async with database.write() as tx:
        assert not went_on
        await fill(tx, "a")


async def test_while_a_writer_waits_for_another_process_the_others_go_on(path: Path) -> None:
    migrate(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}", SystemClock())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer = asyncio.create_task(write_one(database))
        await database.ping()
        assert not writer.done()
        other.execute("ROLLBACK")
        await writer
    await database.aclose()


async def write_one(database: Database) -> None:
    async with database.write() as tx:
        await fill(tx, "a")
