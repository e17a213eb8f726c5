"""What the two databases spell differently means the same on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from bridge.store import Database, Transaction
from bridge.store.dialects import among
from bridge.store.tables import targets
from tests.clock import ManualClock
from tests.parts import database_url, kind

__all__ = ["kind"]

ODD = 'it\'s "ü", \\ and {1,2}'


@pytest.fixture
async def tx(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Transaction]:
    """A transaction that may write, on either kind of database, with three targets in it."""
    database = Database(database_url(tmp_path), clock)
    async with database.write() as tx:
        rows = [{"target": name, "kind": "callback", "failures": 0} for name in ("a", "b", ODD)]
        await tx.execute(insert(targets), rows)
        yield tx
    await database.aclose()


@pytest.mark.parametrize("names", [set(), {"a"}, {"a", "b", "no such"}, {ODD}, {f"no {n}" for n in range(999)}])
async def test_among_is_whether_a_column_has_one_of_several_texts(tx: Transaction, names: Collection[str]) -> None:
    has = select(targets.c.target).where(among(targets.c.target, "names"))
    has_not = select(targets.c.target).where(~among(targets.c.target, "names"))
    every = {"a", "b", ODD}
    assert set((await tx.execute(has, {"names": names})).scalars()) == every & set(names)
    assert set((await tx.execute(has_not, {"names": names})).scalars()) == every - set(names)
