"""What replicas share about asking a provider."""

from __future__ import annotations

from bridge.store import Transaction, lanes
from tests.store.rows import NOW


async def row(tx: Transaction) -> lanes.LaneRow:
    found = await lanes.read(tx, "openai", hold=True)
    assert found is not None
    return found


async def test_a_lane_begins_blank_and_is_kept(tx: Transaction) -> None:
    assert await lanes.read(tx, "openai") is None
    await lanes.open_lane(tx, "openai", "https://a.example")
    await lanes.keep_budget(tx, "openai", next_slot=NOW, low=2.0, slowed_at=NOW - 1)
    await lanes.keep_listing(tx, "openai", {"works": True})
    await lanes.open_lane(tx, "openai", "https://a.example")
    assert await row(tx) == lanes.LaneRow("https://a.example", NOW, 2.0, NOW - 1, None, None, {"works": True})


async def test_one_of_another_base_url_is_a_stranger(tx: Transaction) -> None:
    await lanes.open_lane(tx, "openai", "https://a.example")
    await lanes.keep_budget(tx, "openai", next_slot=NOW, low=2.0, slowed_at=NOW)
    await lanes.open_lane(tx, "openai", "https://b.example")
    assert await row(tx) == lanes.LaneRow("https://b.example", 0.0, None, None, None, None, {})


async def test_one_at_a_time_has_the_lease_to_read_a_list(tx: Transaction) -> None:
    await lanes.open_lane(tx, "openai", "https://a.example")
    assert await lanes.lease(tx, "openai", "one", NOW, NOW + 30)
    assert not await lanes.lease(tx, "openai", "two", NOW + 29, NOW + 59)
    assert await lanes.lease(tx, "openai", "one", NOW + 15, NOW + 45)
    assert await lanes.lease(tx, "openai", "two", NOW + 45, NOW + 75)
    await lanes.give_up(tx, "two")
    assert await lanes.lease(tx, "openai", "one", NOW + 46, NOW + 76)


async def test_a_lease_from_a_clock_that_was_set_back_binds_nobody(tx: Transaction) -> None:
    await lanes.open_lane(tx, "openai", "https://a.example")
    await lanes.lease(tx, "openai", "one", NOW + 86_400, NOW + 86_430)
    assert await lanes.lease(tx, "openai", "two", NOW, NOW + 30)
