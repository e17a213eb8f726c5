"""A real, migrated SQLite file and a clock the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.store import Database, Transaction, migrate
from tests.clock import ManualClock


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a new database file holds."""
    path = tmp_path_factory.mktemp("migrated") / "bridge.db"
    migrate(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, migrated: bytes) -> Path:
    """A new database file."""
    path = tmp_path / "bridge.db"
    path.write_bytes(migrated)
    return path


@pytest.fixture
async def database(path: Path, clock: ManualClock) -> AsyncIterator[Database]:
    """The store on a new file; it hardly waits for other processes."""
    database = Database(f"sqlite:///{path}", clock, busy_timeout_ms=50)
    yield database
    await database.aclose()


@pytest.fixture
async def tx(database: Database) -> AsyncIterator[Transaction]:
    """A transaction that may write."""
    async with database.write() as tx:
        yield tx
