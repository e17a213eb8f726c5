"""The dialect that goes to the connection's thread once a statement behaves as the one it is made of."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import column, exc, insert, select, text, update, values

from bridge.store import Transaction
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
