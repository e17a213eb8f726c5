"""Bodies are kept together, and one that cannot be kept costs nobody else's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.errors import StoreError
from bridge.sender.bodies import BodyKeeper
from bridge.store.deliveries import Rendered
from tests.parts import Parts, allow, forbid, sql
from tests.sender.events import ended


async def claimed(parts: Parts, hook: str, number: int) -> list[str]:
    for each in range(number):
        told = {"kind": "callback", "url": f"{hook}/{each}", "template": "{}"}
        await ended(parts, f"video_{each}", destinations=[told])
    return [claim.id for claim in await parts.sender.claim()]


async def test_all_that_wait_are_one_commit(parts: Parts, hook: str, tmp_path: Path) -> None:
    ids = await claimed(parts, hook, 4)
    (owner,) = {row[0] for row in sql(tmp_path, "SELECT lease_owner FROM deliveries")}
    keeper = BodyKeeper(parts.database, owner)
    await asyncio.gather(*(keeper.keep(each, Rendered(each.encode())) for each in ids))
    assert {row[0] for row in sql(tmp_path, "SELECT body FROM deliveries")} == {each.encode() for each in ids}


async def test_after_a_failure_the_others_are_kept_all_the_same(parts: Parts, hook: str, tmp_path: Path) -> None:
    first, second = await claimed(parts, hook, 2)
    (owner,) = {row[0] for row in sql(tmp_path, "SELECT lease_owner FROM deliveries")}
    keeper = BodyKeeper(parts.database, owner)
    forbid(tmp_path, "UPDATE OF body ON deliveries")
    with pytest.raises(StoreError):
        await keeper.keep(first, Rendered(b"first"))
    allow(tmp_path)
    await keeper.keep(second, Rendered(b"second"))
    assert {row[0] for row in sql(tmp_path, "SELECT body FROM deliveries")} == {None, b"second"}
