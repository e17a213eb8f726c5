"""A database that the first released schema filled goes on under the newest, with nothing lost."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bridge import store
from bridge.errors import ConfigurationError
from bridge.ids import event_id
from bridge.models import EventType
from bridge.store import inspect, migrate
from bridge.store.revisions import head
from tests import postgres

NOW = 1_763_870_000.0
EVENT = event_id("watch_1", EventType.VIDEO_COMPLETED)

FILLED = [
    "INSERT INTO settings VALUES ('pepper', {blob})",
    """INSERT INTO videos (id, provider, video_id, status, created_at, looks, missing_count, fence, next_at,
       lease_owner, lease_until, deadline)
       VALUES ('vid_1', 'openai', 'video_1', 'queued', 1, 3, 0, 7, 60, 'poller_1', 60, 900)""",
    """INSERT INTO watches (id, video, provider, video_id, status, key, content, metadata, created_at, expires_at, slot)
       VALUES ('watch_1', 'vid_1', 'openai', 'video_1', 'watching', 'k', 'c', '{{"a": "b"}}', 1, 900, 's')""",
    """INSERT INTO destinations (id, name, origin, kind, target, shown_url, host, config, config_key, events,
       is_default, enabled, created_at, updated_at) VALUES ('dest_1', 'team', 'stored', 'callback', 't', 'https://a.example',
       'a.example', {blob}, 'k', '["video.completed"]', {true}, {true}, 1, 1)""",
    "INSERT INTO watch_destinations VALUES ('watch_1', 'dest_1', 0)",
    "INSERT INTO events VALUES ('{event}', 'watch_1', 'video.completed', 1, '{{}}')",
    """INSERT INTO deliveries (id, event_id, event_type, watch_id, destination_id, target, host, status, degraded,
       created_at, body, step, attempts, manual_asked, manual_done, next_at, fence) VALUES ('dlv_{n}', '{event}',
       'video.completed', 'watch_1', 'dest_1', 't', 'a.example', 'pending', {false}, 1, {blob}, 1, 1, 0, 0, 50, 4)""",
    "INSERT INTO attempts VALUES ('dlv_{n}', 1, 2, 3, 'retry', 'timeout', NULL, NULL, 'schedule')",
]


def upgrade(connection: sa.Connection, revision: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(store.__file__).with_name("migrations")))
    command.upgrade(config, revision)


def fill(connection: sa.Connection, blob: str) -> None:
    upgrade(connection, "0001")
    words = {"sqlite": ("1", "0"), "postgresql": ("true", "false")}[connection.dialect.name]
    for statement in FILLED:
        connection.exec_driver_sql(
            statement.format(blob=blob, true=words[0], false=words[1], event=EVENT, n=1).replace("{{", "{")
        )


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        fill(connection, "x'00ff'")
    engine.dispose()
    return path


@pytest.fixture
def old_server() -> str:
    url = postgres.new_database("bridge_upgrade")

    async def run() -> None:
        backend = store.postgresql.PostgresBackend(url)
        async with backend.writer.begin() as connection:
            await connection.run_sync(lambda sync: fill(sync, r"'\x00ff'"))
        await backend.reader.dispose()

    postgres.run(run())
    return url


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


KEPT = "SELECT id, status, step, turn, fence, body FROM deliveries"


def test_a_file_is_upgraded_with_all_that_is_in_it(old_file: Path) -> None:
    assert migrate(f"sqlite:///{old_file}") == head()
    assert rows(old_file, KEPT) == [("dlv_1", "pending", 1, 1, 4, b"\0\xff")]
    assert rows(old_file, "SELECT number, reason FROM attempts") == [(1, "timeout")]
    assert rows(old_file, "SELECT lease_owner, fence FROM videos") == [("poller_1", 7)]
    assert rows(old_file, "PRAGMA foreign_key_check") == []


def test_before_that_it_is_copied_as_it_was(old_file: Path) -> None:
    migrate(f"sqlite:///{old_file}")
    copy = old_file.with_name("bridge.db.0001.bak")
    assert rows(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert rows(copy, "SELECT id FROM deliveries") == [("dlv_1",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_copy_that_is_there_is_not_overwritten(old_file: Path) -> None:
    copy = old_file.with_name("bridge.db.0001.bak")
    copy.write_bytes(b"the first one")
    migrate(f"sqlite:///{old_file}")
    assert copy.read_bytes() == b"the first one"


def test_a_new_file_is_for_its_owner_alone_and_has_no_copy(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'b.db'}")
    assert stat.S_IMODE((tmp_path / "b.db").stat().st_mode) == 0o600
    assert list(tmp_path.glob("*.bak")) == []


def test_a_server_is_upgraded_with_all_that_is_in_it(old_server: str) -> None:
    assert migrate(old_server) == head()
    assert [tuple(row) for row in postgres.sql(old_server, KEPT)] == [("dlv_1", "pending", 1, 1, 4, b"\0\xff")]
    assert inspect(old_server) == []


def test_a_server_with_an_older_schema_is_named_with_the_command_that_helps(old_server: str) -> None:
    (problem,) = inspect(old_server)
    assert "has an older schema (0001)" in problem
    assert "Run `video-bridge migrate`" in problem


def test_an_empty_server_is_named_with_the_command_that_helps() -> None:
    (problem,) = inspect(postgres.new_database("bridge_empty"))
    assert problem.startswith("BRIDGE_DATABASE_URL: the database is empty. Run `video-bridge migrate`")


def test_two_that_migrate_at_once_do_not_collide() -> None:
    url = postgres.new_database("bridge_twice")
    postgres.in_threads(lambda: migrate(url), lambda: migrate(url), lambda: migrate(url))
    assert inspect(url) == []


def test_a_server_that_is_not_there_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"the PostgreSQL server cannot be used: .*[Cc]onnect"):
        migrate("postgresql://nobody@127.0.0.1:9/none")


def test_the_schema_on_a_server_is_that_of_the_tables() -> None:
    columns = postgres.sql(
        postgres.migrated_url(),
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
    )
    expected = {(table.name, column.name) for table in store.tables.metadata.sorted_tables for column in table.columns}
    assert {tuple(row) for row in columns} == expected | {("alembic_version", "version_num")}
