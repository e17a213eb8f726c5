"""The schema: made in one go, equal to the tables in the code, and looked at before it is used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bridge import store
from bridge.errors import ConfigurationError
from bridge.store import Held, inspect, migrate, read_held
from bridge.store.revisions import head, revisions
from bridge.store.tables import metadata
from tests.clock import ManualClock


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def run(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """What the last of these statements answers, from outside."""
    rows: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    return rows


def tables(path: Path) -> set[object]:
    return {row[0] for row in run(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.fixture
def connection(path: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url(path))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_the_migrated_schema_is_that_of_the_tables(connection: sa.Connection) -> None:
    assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []


def test_the_steps_are_known_by_their_files() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).with_name("migrations")))
    steps = ScriptDirectory.from_config(config)
    assert [step.revision for step in steps.walk_revisions()] == list(reversed(revisions()))
    assert steps.get_current_head() == head()


def test_the_first_step_can_be_taken_back_and_again(connection: sa.Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(store.__file__).with_name("migrations")))
    command.downgrade(config, "base")
    assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    command.upgrade(config, "head")
    assert set(sa.inspect(connection).get_table_names()) == {"alembic_version", *metadata.tables}


def test_a_database_is_made_where_there_is_none(tmp_path: Path) -> None:
    assert migrate(url(tmp_path / "b.db")) == head()
    assert tables(tmp_path / "b.db") == {"alembic_version", *metadata.tables}


def test_migrating_twice_is_harmless(path: Path) -> None:
    run(path, "INSERT INTO settings VALUES ('kept', x'00')")
    assert migrate(url(path)) == migrate(url(path)) == head()
    assert run(path, "SELECT name FROM settings") == [("kept",)]


def test_a_migrated_database_can_be_used_and_is_left_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    assert inspect(url(path)) == []
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["bridge.db"]


def test_a_database_in_use_can_be_looked_at_with_what_was_not_yet_moved_into_it(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("UPDATE alembic_version SET version_num = '0999'")
        assert "newer version" in inspect(url(path))[0]


def test_looking_at_a_database_that_is_not_there_yet_makes_none(tmp_path: Path) -> None:
    assert inspect(url(tmp_path / "b.db")) == []
    assert list(tmp_path.iterdir()) == []


def test_a_migration_that_breaks_off_leaves_the_old_schema(tmp_path: Path) -> None:
    # A table in the way of one half through.
    run(tmp_path / "b.db", "CREATE TABLE alembic_version (version_num)", "CREATE TABLE watches (id)")
    with pytest.raises(ConfigurationError, match=r"b\.db cannot be used: table watches already exists"):
        migrate(url(tmp_path / "b.db"))
    assert tables(tmp_path / "b.db") == {"alembic_version", "watches"}


def test_a_database_that_another_process_holds_is_not_migrated(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigurationError, match=r"b\.db cannot be used: database is locked"):
            migrate(url(tmp_path / "b.db"), busy_timeout_ms=20)


async def test_an_odd_file_name_names_one_file_everywhere(tmp_path: Path, clock: ManualClock) -> None:
    odd = url(tmp_path / "50%25 a#1.db")
    migrate(odd)
    assert inspect(odd) == []
    database = store.Database(odd, clock)
    await database.ping()
    await database.aclose()
    assert [file.name for file in tmp_path.iterdir()] == ["50% a#1.db"]


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert inspect(url(tmp_path)) == [f"BRIDGE_DATABASE_URL: {tmp_path} is a folder, not a file."]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (problem,) = inspect(url(tmp_path / "missing" / "b.db"))
    assert problem == f"BRIDGE_DATABASE_URL: the folder {tmp_path / 'missing'} does not exist."


def test_a_file_is_no_folder(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"the folder .*bridge\.db does not exist"):
        migrate(url(path / "b.db"))


def test_a_place_where_nothing_can_be_made_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"/proc/b\.db cannot be used|/proc is not writable"):
        migrate("sqlite:////proc/b.db")


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "problem"),
    [
        (0o555, 0o666, "is not writable (SQLite keeps files beside the database)"),
        (0o777, 0o444, "is not readable and writable"),
    ],
)
def test_what_this_user_may_not_do_is_said(folder_mode: int, file_mode: int, problem: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "b.db")
        path.touch()
        path.chmod(file_mode)
        os.chmod(folder, folder_mode)
        with without_rights_of_root():
            said = inspect(url(path))
        os.chmod(folder, 0o700)
    assert problem in said[0]


@contextmanager
def without_rights_of_root() -> Iterator[None]:
    """Root may do everything; as long as the real user is nobody, ``os.access`` answers for nobody."""
    user = os.getuid()
    if user == 0:
        os.setreuid(65534, 0)
    try:
        yield
    finally:
        os.setreuid(user, user)


def test_a_damaged_file_is_named_with_what_sqlite_says(tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("something else entirely")
    (problem,) = inspect(url(tmp_path / "b.db"))
    assert problem.endswith("b.db cannot be used as a database: file is not a database.")


@pytest.mark.parametrize("table", ["customers", "alembic_version"])
def test_another_programs_database_is_left_alone(tmp_path: Path, table: str) -> None:
    run(tmp_path / "b.db", f"CREATE TABLE {table} (version_num)", "CREATE TABLE orders (id)")
    with pytest.raises(ConfigurationError, match=r"b\.db is a database of another program"):
        migrate(url(tmp_path / "b.db"))
    assert tables(tmp_path / "b.db") == {table, "orders"}


@pytest.mark.parametrize("version", ["0999", "00", "head"])
def test_a_newer_schema_is_left_alone(path: Path, version: str) -> None:
    run(path, f"UPDATE alembic_version SET version_num = '{version}'")
    with pytest.raises(ConfigurationError, match=rf"written by a newer version of video-bridge \(schema {version}\)"):
        migrate(url(path))
    assert run(path, "SELECT version_num FROM alembic_version") == [(version,)]


def test_an_empty_file_is_no_database_yet(tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    assert read_held(url(file)) == Held()
    file.touch()
    assert read_held(url(file)) == Held()
    assert inspect(url(file)) == []
    migrate(url(file))
    assert read_held(url(file)) == Held()
