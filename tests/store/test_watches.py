"""Watches in the table: registered under slots, ended, and shown."""

from __future__ import annotations

import pytest

from bridge.errors import StoreError
from bridge.models import DeliveryStatus, EventType, LostReason, WatchStatus
from bridge.states import COMPLETED, FAILED, TIMED_OUT, Ending, LiveWatch
from bridge.store import Database, Transaction, looks, tables, watches
from bridge.store.watches import Holder, OverdueWatch
from tests.store.rows import NOW, a_video, add_delivery_as, add_destination, add_video, add_watch, looked, row

LOST = Ending(WatchStatus.LOST, EventType.WATCH_LOST, LostReason.FORBIDDEN.value)


async def test_a_watch_holds_the_slot_it_was_registered_under(tx: Transaction) -> None:
    watch_id = await add_watch(tx, slot="s", content="digest")
    assert await watches.holders(tx, ["s", "another"]) == {"s": Holder(watch_id, "digest", WatchStatus.WATCHING)}


async def test_the_holder_of_a_slot_says_how_it_ended(tx: Transaction) -> None:
    watch_id = await add_watch(tx, slot="s")
    await watches.end(tx, [(watch_id, LOST)], NOW)
    held = await watches.holders(tx, ["s"])
    assert held["s"].status is WatchStatus.LOST


async def test_a_vacated_slot_goes_to_the_successor(tx: Transaction) -> None:
    await watches.vacate(tx, [await add_watch(tx, slot="s")])
    assert await watches.holders(tx, ["s"]) == {}
    successor = await add_watch(tx, slot="s")
    held = await watches.holders(tx, ["s"])
    assert held["s"].id == successor


async def test_two_watches_never_hold_one_slot(database: Database) -> None:
    async def register() -> None:
        async with database.write() as tx:
            await add_watch(tx, slot="s")

    await register()
    with pytest.raises(StoreError, match=r"UNIQUE constraint failed: watches\.slot"):
        await register()


async def test_the_live_watches_of_videos_are_those_still_waiting(tx: Transaction) -> None:
    first, second, third = [await add_video(tx, f"video_{number}") for number in range(3)]
    one = await add_watch(tx, first, expires_at=NOW + 1)
    two = await add_watch(tx, first, expires_at=NOW + 2)
    await watches.cancel(tx, await add_watch(tx, first), NOW)
    await add_watch(tx, third)
    live = await watches.live(tx, [first, second])
    assert live[first] == [LiveWatch(one, NOW + 1), LiveWatch(two, NOW + 2)]
    assert live[second] == []
    assert await watches.live(tx, []) == {}


@pytest.mark.parametrize("ending", [COMPLETED, FAILED, TIMED_OUT, LOST])
async def test_an_ended_watch_says_how_why_and_when(tx: Transaction, ending: Ending) -> None:
    ended, other = await add_watch(tx), await add_watch(tx)
    await watches.end(tx, [(ended, ending)], NOW + 7)
    written = await row(tx, tables.watches, ended)
    assert (written["status"], written["reason"], written["ended_at"]) == (ending.status, ending.reason, NOW + 7)
    assert await watches.status_of(tx, other) is WatchStatus.WATCHING


async def test_several_watches_end_each_in_its_own_way(tx: Transaction) -> None:
    one, two = await add_watch(tx), await add_watch(tx)
    await watches.end(tx, [(one, COMPLETED), (two, TIMED_OUT)], NOW)
    await watches.end(tx, [], NOW)
    assert await watches.status_of(tx, one) is WatchStatus.COMPLETED
    assert await watches.status_of(tx, two) is WatchStatus.TIMED_OUT


async def test_a_waiting_watch_can_be_cancelled_once(tx: Transaction) -> None:
    watch_id = await add_watch(tx)
    assert await watches.cancel(tx, watch_id, NOW + 5)
    assert not await watches.cancel(tx, watch_id, NOW + 9)
    written = await row(tx, tables.watches, watch_id)
    assert (written["status"], written["ended_at"]) == ("cancelled", NOW + 5)


async def test_an_ended_watch_cannot_be_cancelled(tx: Transaction) -> None:
    watch_id = await add_watch(tx)
    await watches.end(tx, [(watch_id, COMPLETED)], NOW)
    assert not await watches.cancel(tx, watch_id, NOW)
    assert await watches.status_of(tx, watch_id) is WatchStatus.COMPLETED


async def test_a_watch_that_is_not_there_has_no_status_and_cannot_be_cancelled(tx: Transaction) -> None:
    assert await watches.status_of(tx, "watch_0") is None
    assert not await watches.cancel(tx, "watch_0", NOW)
    assert await watches.get(tx, "watch_0") is None


async def test_a_watch_knows_its_videos_row(tx: Transaction) -> None:
    row_id = await add_video(tx)
    assert await watches.video_row_of(tx, await add_watch(tx, row_id)) == row_id


async def overdue(tx: Transaction, *, before: float = NOW, limit: int = 10) -> list[OverdueWatch]:
    return await watches.overdue(tx, "openai", before, limit)


async def test_a_watch_is_overdue_from_the_moment_its_time_is_up(tx: Transaction) -> None:
    row_id = await add_video(tx, "video_7", deadline=NOW)
    up = await add_watch(tx, row_id, expires_at=NOW)
    await add_watch(tx, row_id, expires_at=NOW + 1)
    assert await overdue(tx) == [OverdueWatch(LiveWatch(up, NOW), row_id, "video_7", None)]
    assert await overdue(tx, before=NOW - 0.001) == []


async def test_an_overdue_watch_comes_with_what_is_known_of_its_video(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW)
    await looks.write(tx, [looked(row_id, video=a_video())])
    await add_watch(tx, row_id, expires_at=NOW)
    assert [each.video for each in await overdue(tx)] == [a_video()]


async def test_those_overdue_longest_come_first(tx: Transaction) -> None:
    for seconds in (2, 3, 1):
        row_id = await add_video(tx, f"up since {seconds}", deadline=NOW - seconds)
        await add_watch(tx, row_id, expires_at=NOW - seconds)
    assert [each.video_id for each in await overdue(tx, limit=2)] == ["up since 3", "up since 2"]


async def test_ended_watches_and_other_providers_are_not_overdue(tx: Transaction) -> None:
    ended = await add_watch(tx, await add_video(tx, deadline=NOW), expires_at=NOW)
    await watches.end(tx, [(ended, TIMED_OUT)], NOW)
    await add_watch(tx, await add_video(tx, provider="azure", deadline=NOW), expires_at=NOW)
    assert await overdue(tx) == []


async def test_watches_are_counted_by_status(tx: Transaction) -> None:
    for ending in (COMPLETED, COMPLETED, LOST):
        await watches.end(tx, [(await add_watch(tx), ending)], NOW)
    await add_watch(tx)
    counted = {WatchStatus.WATCHING: 1, WatchStatus.COMPLETED: 2, WatchStatus.LOST: 1}
    assert await watches.counts(tx) == counted


async def test_a_watch_is_shown_as_it_was_registered(tx: Transaction) -> None:
    told = [await add_destination(tx, name) for name in ("b", None, "a")]
    metadata = {"campaign": "spring", "ключ": "🎬"}
    watch_id = await add_watch(tx, None, told, key="k", metadata=metadata, created_by="ci", expires_at=NOW + 60)
    view = await watches.get(tx, watch_id)
    assert view is not None
    assert (view.id, view.key, view.created_by) == (watch_id, "k", "ci")
    assert (view.status, view.reason, view.video, view.ended_at) == (WatchStatus.WATCHING, None, None, None)
    assert (view.created_at, view.expires_at, view.metadata) == (NOW, NOW + 60, metadata)
    assert [each.id for each in view.destinations] == told


async def test_a_watch_shows_the_video_as_last_observed(tx: Transaction) -> None:
    row_id = await add_video(tx)
    await looks.write(tx, [looked(row_id, video=a_video())])
    view = await watches.get(tx, await add_watch(tx, row_id))
    assert view is not None
    assert view.video == a_video()


async def test_a_watch_counts_its_deliveries_of_every_status(tx: Transaction) -> None:
    watch_id, other = await add_watch(tx), await add_watch(tx)
    for status in (DeliveryStatus.PENDING, DeliveryStatus.FAILED, DeliveryStatus.FAILED):
        await add_delivery_as(tx, status, watch_id=watch_id)
    found = await watches.get_many(tx, [watch_id, other, "watch_0"])
    assert found[watch_id].deliveries == {"pending": 1, "delivered": 0, "failed": 2, "cancelled": 0}
    assert set(found[other].deliveries.values()) == {0}
    assert set(found) == {watch_id, other}
    assert await watches.get_many(tx, []) == {}
