"""Rows of a prepared statement arrive as they would by an ordinary one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update

from bridge.errors import StoreConflictError
from bridge.store import Database, Transaction
from bridge.store.prepared import Prepared
from bridge.store.tables import deliveries, events, targets
from tests.clock import ManualClock
from tests.parts import database_url, kind
from tests.store.rows import NOW, add_delivery, add_watch

BODY = b"\x00 \xff"

__all__ = ["kind"]

add_event = Prepared(insert(events).values(type="video.completed", created_at=NOW), ("id", "video", "watch_id"))
add_target = Prepared(insert(targets).values(failures=7), ("kind", "target"))


@pytest.fixture
async def database(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Database]:
    """The store on either kind of database."""
    database = Database(database_url(tmp_path), clock)
    yield database
    await database.aclose()


async def rows_of(tx: Transaction) -> list[tuple[object, ...]]:
    query = select(targets.c.target, targets.c.kind, targets.c.failures).order_by(targets.c.target)
    return [tuple(row) for row in await tx.execute(query)]


async def test_values_are_found_by_the_place_of_their_name_and_constants_are_the_same_for_all(tx: Transaction) -> None:
    await add_target.run(tx, [("slack", "b"), ("callback", "a")])
    assert await rows_of(tx) == [("a", "callback", 7), ("b", "slack", 7)]


async def test_without_rows_nothing_happens(tx: Transaction) -> None:
    await add_target.run(tx, [])
    assert await rows_of(tx) == []


async def test_bytes_booleans_and_nothing_are_kept(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx)
    names = ("v_degraded", "v_reason", "v_body", "row")
    values: dict[str, Any] = {name[2:]: bindparam(name) for name in names[:3]}
    keep = Prepared(update(deliveries).where(deliveries.c.id == bindparam("row")).values(values), names)
    await keep.run(tx, [(True, None, BODY, delivery_id)])
    query = select(deliveries.c.degraded, deliveries.c.reason, deliveries.c.body)
    assert tuple((await tx.execute(query)).one()) == (True, None, BODY)


async def test_what_the_database_refuses_is_said_in_our_words(database: Database) -> None:
    with pytest.raises(StoreConflictError):
        async with database.write() as tx:
            await add_target.run(tx, [("slack", "a"), ("slack", "a")])


async def test_json_is_given_as_text(tx: Transaction) -> None:
    await add_event.run(tx, [("evt_1", '{"id": "video_1"}', await add_watch(tx))])
    assert (await tx.execute(select(events.c.video).where(events.c.id == "evt_1"))).scalar_one() == {"id": "video_1"}
