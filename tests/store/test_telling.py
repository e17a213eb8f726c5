"""Endings and all they tell are written together, so that neither is ever there without the other."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bridge.errors import StoreError
from bridge.ids import event_id
from bridge.models import EventType, Video, VideoStatus, WatchStatus
from bridge.outbox import EndedWatch, tell
from bridge.states import COMPLETED, TIMED_OUT
from bridge.store import Database, Transaction, due, tables, watches
from tests.store.rows import NOW, a_video, add_destination, add_watch, claim_deliveries

DONE = a_video(status=VideoStatus.COMPLETED)


async def events(tx: Transaction) -> int:
    return int((await tx.execute(select(func.count()).select_from(tables.events))).scalar_one())


async def test_an_ended_watch_has_one_due_delivery_for_each_destination(tx: Transaction) -> None:
    told = [await add_destination(tx), await add_destination(tx)]
    watch_id = await add_watch(tx, None, told)
    assert await tell(tx, [EndedWatch(watch_id, COMPLETED, DONE)], NOW) == 2
    made = await claim_deliveries(tx)
    assert {each.destination_id for each in made} == set(told)
    assert {each.event_id for each in made} == {event_id(watch_id, "video.completed")}
    assert [each.video for each in made] == [DONE.as_dict()] * 2


async def test_the_watch_stands_as_ended(tx: Transaction) -> None:
    watch_id = await add_watch(tx)
    await tell(tx, [EndedWatch(watch_id, TIMED_OUT, Video("video_1"))], NOW + 3)
    view = await watches.get(tx, watch_id)
    assert view is not None
    assert (view.status, view.ended_at) == (WatchStatus.TIMED_OUT, NOW + 3)


async def test_an_event_nobody_asked_for_is_kept_and_sent_to_nobody(tx: Transaction) -> None:
    told = await add_destination(tx, events=[EventType.VIDEO_FAILED])
    assert await tell(tx, [EndedWatch(await add_watch(tx, None, [told]), COMPLETED, DONE)], NOW) == 0
    assert (await events(tx), await due.next_due(tx)) == (1, None)


async def test_several_watches_end_together_each_telling_its_own(tx: Transaction) -> None:
    one, two = await add_watch(tx), await add_watch(tx)
    ended = [EndedWatch(one, COMPLETED, DONE), EndedWatch(two, TIMED_OUT, a_video())]
    assert await tell(tx, ended, NOW) == 2
    told = {each.watch_id: each.event_type for each in await claim_deliveries(tx)}
    assert told == {one: EventType.VIDEO_COMPLETED, two: EventType.WATCH_TIMED_OUT}


async def test_where_nothing_ends_nothing_is_told(tx: Transaction) -> None:
    assert await tell(tx, [], NOW) == 0


async def test_an_ending_told_a_second_time_is_refused_as_a_whole(database: Database) -> None:
    async def end(watch_id: str) -> None:
        async with database.write() as tx:
            await tell(tx, [EndedWatch(watch_id, COMPLETED, DONE)], NOW)

    async with database.write() as tx:
        watch_id = await add_watch(tx)
    await end(watch_id)
    with pytest.raises(StoreError, match=r"UNIQUE constraint failed: events\.id"):
        await end(watch_id)
    async with database.read() as tx:
        assert await events(tx) == 1
