"""The database as such: transactions that neither lose nor refuse, and what is said when it is away."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from bridge.errors import ConfigurationError, StoreError, StoreUnavailableError
from bridge.store import Database, Transaction, lock_file, sqlite_path
from bridge.store.database import PRESSED_FOR
from bridge.store.tables import settings
from tests.clock import ManualClock

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(path: Path, *statements: str) -> Iterator[None]:
    """Another process has run these statements on the file and keeps its connection open."""
    command = [sys.executable, "-c", HOLD, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.stdin.close()


async def put(database: Database, name: str) -> None:
    async with database.write() as tx:
        await tx.execute(insert(settings).values(name=name, value=b""))


async def names(database: Database) -> list[str]:
    async with database.read() as tx:
        return list((await tx.execute(select(settings.c.name).order_by(settings.c.name))).scalars())


async def pragma(tx: Transaction, name: str) -> object:
    return (await tx.execute(text(f"PRAGMA {name}"))).scalar_one()


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 50), ("temp_store", 2)],
)
async def test_every_connection_is_durable_and_strict(database: Database, name: str, value: object) -> None:
    async with database.read() as first, database.read() as second, database.write() as third:
        assert [await pragma(tx, name) for tx in (first, second, third)] == [value] * 3


def test_its_clock_is_the_one_it_was_given(database: Database, clock: ManualClock) -> None:
    assert database.now() == clock.now()


async def test_what_was_written_is_there_for_the_next_reader(database: Database) -> None:
    await put(database, "a")
    assert await names(database) == ["a"]


async def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as tx:
            await tx.execute(insert(settings).values(name="a", value=b""))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await names(database) == []


async def test_a_cancelled_writer_leaves_nothing_behind_and_nobody_waiting(database: Database) -> None:
    written = asyncio.Event()

    async def write() -> None:
        async with database.write() as tx:
            await tx.execute(insert(settings).values(name="cut", value=b""))
            written.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write())
    await written.wait()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await put(database, "next")
    assert await names(database) == ["next"]


async def test_a_reader_sees_one_picture_while_others_write(database: Database) -> None:
    async with database.read() as tx:
        before = (await tx.execute(select(settings.c.name))).all()
        await put(database, "a")
        assert (await tx.execute(select(settings.c.name))).all() == before == []


async def test_a_writer_holds_the_write_lock_from_its_first_moment(database: Database, path: Path) -> None:
    async with database.write():
        with (
            closing(sqlite3.connect(path, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")


async def test_it_is_pressed_for_a_moment_after_somebody_went_ahead(database: Database, clock: ManualClock) -> None:
    async with database.write():
        assert not database.pressed()
    async with database.write(ahead=True):
        assert database.pressed()
    await clock.advance(PRESSED_FOR)
    assert not database.pressed()


async def test_who_goes_ahead_writes_before_those_who_came_sooner(database: Database) -> None:
    async def write(name: str, *, ahead: bool) -> None:
        async with database.write(ahead=ahead) as tx:
            await tx.execute(insert(settings).values(name=name, value=b""))
            order.append(name)

    order: list[str] = []
    async with database.write():
        writers = [asyncio.create_task(write(name, ahead=name.isupper())) for name in "abA"]
        await asyncio.sleep(0)
    await asyncio.gather(*writers)
    assert order == ["A", "a", "b"]


def rows_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM settings").fetchone()[0])


async def test_the_log_is_moved_into_the_file_apart_from_any_commit(database: Database, path: Path) -> None:
    async with database.write() as tx:
        await tx.execute(insert(settings), [{"name": str(number), "value": bytes(8192)} for number in range(2000)])
    alone = path.with_name("alone.db")  # the file without its log
    shutil.copy(path, alone)
    assert rows_in(alone) == 0
    await database.move_log()
    shutil.copy(path, alone)
    assert rows_in(alone) == 2000


async def test_a_log_that_cannot_be_moved_is_told(database: Database, path: Path) -> None:
    await put(database, "a")
    path.rename(path.with_name("elsewhere.db"))
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        await database.move_log()
    await database.move_log()  # nothing was written since


async def test_a_reader_holds_up_no_writer(database: Database, path: Path) -> None:
    async with database.read() as tx:
        await tx.execute(select(settings))
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")


async def test_many_writers_at_once_that_read_first_all_get_through(path: Path, clock: ManualClock) -> None:
    async def count_up(database: Database) -> None:
        async with database.write() as tx:
            number = (await tx.execute(text("SELECT count(*) FROM settings"))).scalar_one()
            await asyncio.sleep(0)
            await tx.execute(insert(settings).values(name=f"{number:03}", value=b""))

    one, two = (Database(f"sqlite:///{path}", clock) for _ in range(2))
    await asyncio.gather(*(count_up(database) for database in [one, two] * 20))
    assert len(await names(one)) == 40
    await one.aclose()
    await two.aclose()


async def test_while_another_process_holds_the_write_lock_it_is_away(database: Database, path: Path) -> None:
    with another_process(path, "BEGIN IMMEDIATE"):
        assert await names(database) == []
        with pytest.raises(StoreUnavailableError, match="the database is away: database is locked"):
            await put(database, "a")
    await put(database, "a")
    assert await names(database) == ["a"]


async def test_a_short_wait_for_another_process_is_no_trouble(path: Path, clock: ManualClock) -> None:
    database = Database(f"sqlite:///{path}", clock)
    with another_process(path, "BEGIN IMMEDIATE"):
        waiting = asyncio.create_task(put(database, "a"))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
    await waiting
    assert await names(database) == ["a"]
    await database.aclose()


async def test_a_full_disk_means_it_is_away_and_nothing_half_is_kept(database: Database) -> None:
    async def fill() -> None:
        async with database.write() as tx:
            await tx.execute(insert(settings).values(name="small", value=b""))
            await tx.execute(text("PRAGMA max_page_count=1"))
            await tx.execute(insert(settings).values(name="large", value=b"x" * 1_000_000))

    with pytest.raises(StoreUnavailableError, match="full"):
        await fill()
    assert await names(database) == []


async def test_a_database_that_became_read_only_is_away(database: Database) -> None:
    async with database.write() as tx:
        await tx.execute(text("PRAGMA query_only=ON"))
    with pytest.raises(StoreUnavailableError, match="readonly"):
        await put(database, "a")


async def test_what_the_schema_refuses_is_a_fault_and_no_absence(database: Database) -> None:
    await put(database, "a")
    with pytest.raises(StoreError, match=r"refused: UNIQUE constraint failed: settings\.name") as refused:
        await put(database, "a")
    assert not isinstance(refused.value, StoreUnavailableError)


async def test_errors_do_not_repeat_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(StoreError) as refused:
        async with database.write() as tx:
            await tx.execute(insert(settings), [{"name": "a", "value": b"very secret"}] * 2)
    assert "secret" not in str(refused.value)


async def test_it_answers_a_ping(database: Database) -> None:
    await database.ping()


async def test_a_ping_notices_that_the_file_cannot_be_read(database: Database, path: Path) -> None:
    await database.ping()
    await database.aclose()
    with (
        another_process(path, "PRAGMA locking_mode=EXCLUSIVE", "BEGIN IMMEDIATE", "CREATE TABLE x (y)"),
        pytest.raises(StoreUnavailableError, match="locked"),
    ):
        await database.ping()
    await database.ping()


async def test_a_file_that_is_no_database_is_away(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "b.db").write_text("not a database, but long enough to be taken for one" * 100)
    database = Database(f"sqlite:///{tmp_path / 'b.db'}", clock)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        await database.ping()
    await database.aclose()


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///bridge.db", "bridge.db"),
        ("sqlite:////var/lib/b.db", "/var/lib/b.db"),
        ("sqlite:///a#1 %2520.db", "a#1 %20.db"),
    ],
)
def test_a_url_names_a_file(url: str, file: str) -> None:
    assert sqlite_path(url) == Path(file)


def test_one_process_holds_the_file(path: Path) -> None:
    with (
        lock_file(path),
        pytest.raises(ConfigurationError, match=r"another `video-bridge serve` is using .*bridge\.db"),
    ):
        lock_file(path)


def test_a_released_lock_can_be_taken_again(path: Path) -> None:
    lock_file(path).release()
    lock_file(path).release()


def test_a_lock_in_a_folder_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"the folder .*/missing does not exist"):
        lock_file(tmp_path / "missing" / "b.db")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "b.db.lock").mkdir()
    with pytest.raises(ConfigurationError, match=r"BRIDGE_DATABASE_URL: .*b\.db cannot be used: Is a directory"):
        lock_file(tmp_path / "b.db")
