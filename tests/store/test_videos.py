"""Videos in the table: who waits for them, who looks at them, what a look writes."""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path

import pytest

from bridge.models import Video, VideoError, VideoStatus
from bridge.states import VideoState
from bridge.store import Database, Transaction, looks, tables, videos, watches
from bridge.store.looks import LookedVideo
from bridge.store.videos import StoredVideo
from tests.clock import ManualClock
from tests.store.rows import LEASE, NOW, a_video, add_video, add_watch, claim_videos, looked, row


async def test_a_new_video_is_known_and_waited_for_by_nobody(tx: Transaction) -> None:
    added = await videos.add(tx, "openai", "video_1", NOW)
    assert await videos.find(tx, "openai", "video_1") == added == StoredVideo(added.id, None)
    assert await claim_videos(tx, now=NOW + 1e9) == []


async def test_the_same_id_at_another_provider_is_another_video(tx: Transaction) -> None:
    await videos.add(tx, "openai", "video_1", NOW)
    assert await videos.find(tx, "azure", "video_1") is None
    assert await videos.find(tx, "openai", "VIDEO_1") is None


async def test_whoever_waits_makes_it_due_at_once(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 100)
    (claimed,) = await claim_videos(tx)
    assert (claimed.id, claimed.video_id, claimed.provider, claimed.deadline) == (
        row_id,
        "video_1",
        "openai",
        NOW + 100,
    )


async def test_exactly_the_due_ones_are_claimed_the_longest_due_first(tx: Transaction) -> None:
    for seconds in (5, -1, 0, -7, 0.001):
        await add_video(tx, f"due in {seconds}", due=NOW + seconds)
    assert [each.video_id for each in await claim_videos(tx)] == ["due in -7", "due in -1", "due in 0"]


async def test_a_limit_leaves_those_due_last(tx: Transaction) -> None:
    for seconds in (1, 3, 2):
        await add_video(tx, f"due since {seconds}", due=NOW - seconds)
    assert [each.video_id for each in await claim_videos(tx, limit=2)] == ["due since 3", "due since 2"]
    assert [each.video_id for each in await claim_videos(tx)] == ["due since 1"]


async def test_only_the_asked_providers_videos_are_claimed(tx: Transaction) -> None:
    await add_video(tx, provider="azure")
    assert await claim_videos(tx, provider="openai") == []
    assert len(await claim_videos(tx, provider="azure")) == 1


async def test_what_one_holds_no_other_gets(path: Path, clock: ManualClock) -> None:
    one, two = (Database(f"sqlite:///{path}", clock) for _ in range(2))
    async with one.write() as tx:
        for number in range(40):
            await add_video(tx, f"video_{number}")

    async def take(database: Database, owner: str) -> list[str]:
        async with database.write() as tx:
            return [each.video_id for each in await claim_videos(tx, owner, limit=5)]

    taken = await asyncio.gather(*(take(each, f"poller_{number}") for number, each in enumerate([one, two] * 5)))
    assert sorted(chain(*taken)) == sorted(f"video_{number}" for number in range(40))
    await one.aclose()
    await two.aclose()


async def test_a_lease_that_ran_out_is_claimed_again_and_the_late_owner_gets_nothing(tx: Transaction) -> None:
    await add_video(tx)
    (late,) = await claim_videos(tx, "poller_1")
    assert await claim_videos(tx, "poller_2", now=NOW + LEASE - 1) == []
    (again,) = await claim_videos(tx, "poller_2", now=NOW + LEASE)
    assert again.fence == late.fence + 1
    assert await videos.held(tx, [late], "poller_1") == {}
    assert list(await videos.held(tx, [again], "poller_2")) == [again.id]


async def test_even_the_same_owner_is_refused_with_an_old_fence(tx: Transaction) -> None:
    await add_video(tx)
    (late,) = await claim_videos(tx)
    await claim_videos(tx, now=NOW + LEASE)
    assert await videos.held(tx, [late], "poller_1") == {}


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_leases_of_one_owner_only_the_later_is_held(tx: Transaction, order: int) -> None:
    row_id = await add_video(tx)
    (late,) = await claim_videos(tx)
    (again,) = await claim_videos(tx, now=NOW + LEASE)
    assert list(await videos.held(tx, [late, again][::order], "poller_1")) == [row_id]


async def test_what_one_claimed_another_does_not_hold(tx: Transaction) -> None:
    await add_video(tx)
    (claimed,) = await claim_videos(tx, "poller_1")
    assert await videos.held(tx, [claimed], "poller_2") == {}
    assert list(await videos.held(tx, [claimed], "poller_1")) == [claimed.id]


async def test_what_a_look_writes_is_what_the_next_one_finds(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 500)
    await claim_videos(tx)
    state = VideoState(a_video(), looks=7, missing_count=3, missing_since=NOW - 9, deadline=NOW + 500)
    state = state._replace(registered_at=NOW, looked_at=NOW, reports=(1.0, 2.5))
    await looks.write(tx, [LookedVideo(row_id, state, NOW, "missing", NOW + 4)])
    claimed = await claim_videos(tx, now=NOW + 4)
    assert await videos.held(tx, claimed, "poller_1") == {row_id: state}


async def test_a_written_look_gives_the_lease_up(tx: Transaction) -> None:
    row_id = await add_video(tx)
    claimed = await claim_videos(tx)
    await looks.write(tx, [looked(row_id, next_at=NOW + 2)])
    assert await videos.held(tx, claimed, "poller_1") == {}
    assert await claim_videos(tx, "poller_2", now=NOW + 1.9) == []
    assert len(await claim_videos(tx, "poller_2", now=NOW + 2)) == 1


async def test_each_look_of_a_turn_writes_its_own(tx: Transaction) -> None:
    first, second = await add_video(tx, "video_1"), await add_video(tx, "video_2")
    done = a_video("video_2", VideoStatus.COMPLETED)
    await looks.write(tx, [looked(first), looked(second, video=done)])
    await looks.write(tx, [])
    one, two = await row(tx, tables.videos, first), await row(tx, tables.videos, second)
    assert (one["status"], one["observation"], one["last_look"]) == (None, None, "trouble")
    assert (two["status"], two["observation"], two["last_look"]) == ("completed", done.as_dict(), "observed")


@pytest.mark.parametrize("status", [None, *VideoStatus])
async def test_an_observation_comes_back_whole(tx: Transaction, status: VideoStatus | None) -> None:
    row_id = await add_video(tx)
    seen = Video("video_1", status, "m", 1, 2, 3, 4, 'p"\\\u2028 🎬', "r", "5", "6x7", VideoError("c", None))
    await looks.write(tx, [looked(row_id, video=seen)])
    assert await videos.find(tx, "openai", "video_1") == StoredVideo(row_id, seen)


async def test_released_videos_are_due_at_once(tx: Transaction) -> None:
    await add_video(tx)
    claimed = await claim_videos(tx)
    await videos.release(tx, claimed, "poller_1", NOW + 1)
    assert len(await claim_videos(tx, "poller_2", now=NOW + 1)) == 1


async def test_nobody_releases_what_another_holds(tx: Transaction) -> None:
    await add_video(tx)
    late = await claim_videos(tx, "poller_1")
    held = await claim_videos(tx, "poller_2", now=NOW + LEASE)
    await videos.release(tx, late, "poller_1", NOW)
    await videos.release(tx, late, "poller_2", NOW)
    assert len(await videos.held(tx, held, "poller_2")) == 1


async def test_a_process_that_is_alone_frees_all_leases(tx: Transaction) -> None:
    await add_video(tx, "video_1", due=NOW - 1)
    await claim_videos(tx)
    await add_video(tx, "video_2", due=NOW + 50)
    assert await videos.release_all(tx, NOW + 1) == 1
    assert [each.video_id for each in await claim_videos(tx, now=NOW + 1)] == ["video_1"]
    assert await videos.next_due(tx, ["openai"]) == NOW + 50


async def test_waiting_anew_begins_with_a_clean_count_and_keeps_what_is_known(tx: Transaction) -> None:
    row_id = await add_video(tx)
    state = VideoState(a_video(), looks=9, missing_count=4, missing_since=NOW, deadline=NOW + 3600)
    await looks.write(tx, [LookedVideo(row_id, state, NOW, "missing", None)])
    await videos.watch_until(tx, row_id, NOW + 90, NOW + 60)
    claimed = await claim_videos(tx, now=NOW + 60)
    known = VideoState(a_video(), deadline=NOW + 90, registered_at=NOW, looked_at=NOW)
    assert await videos.held(tx, claimed, "poller_1") == {row_id: known}


async def test_who_joins_later_than_others_changes_nothing_about_the_looks(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 100)
    state = VideoState(
        looks=9,
        missing_count=2,
        missing_since=NOW,
        deadline=NOW + 100,
        registered_at=NOW,
        looked_at=NOW,
        reports=(1.5,),
    )
    await looks.write(tx, [LookedVideo(row_id, state, NOW, "missing", NOW + 20)])
    await videos.watch_until(tx, row_id, NOW + 200, NOW + 1)
    assert await claim_videos(tx, now=NOW + 19) == []
    claimed = await claim_videos(tx, now=NOW + 20)
    assert await videos.held(tx, claimed, "poller_1") == {row_id: state}


async def test_who_gives_up_sooner_brings_the_look_forward(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 100)
    await looks.write(tx, [looked(row_id, next_at=NOW + 30)])
    await videos.watch_until(tx, row_id, NOW + 10, NOW + 1)
    (claimed,) = await claim_videos(tx, now=NOW + 10)
    assert claimed.deadline == NOW + 10


async def test_a_look_that_is_due_before_is_not_put_off(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 100)
    await looks.write(tx, [looked(row_id, next_at=NOW + 5)])
    await videos.watch_until(tx, row_id, NOW + 10, NOW + 1)
    assert await videos.next_due(tx, ["openai"]) == NOW + 5


async def test_a_look_under_way_keeps_its_lease_and_learns_the_new_deadline(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 100)
    claimed = await claim_videos(tx)
    await videos.watch_until(tx, row_id, NOW + 10, NOW + 1)
    assert await claim_videos(tx, "poller_2", now=NOW + 11) == []
    held = await videos.held(tx, claimed, "poller_1")
    assert held[row_id].deadline == NOW + 10


async def test_settling_finds_out_who_waits_longest_of_those_left(tx: Transaction) -> None:
    row_id = await add_video(tx, deadline=NOW + 10)
    gone = await add_watch(tx, row_id, expires_at=NOW + 10)
    for seconds in (40, 30):
        await add_watch(tx, row_id, expires_at=NOW + seconds)
    await watches.cancel(tx, gone, NOW)
    await videos.settle(tx, [row_id])
    (claimed,) = await claim_videos(tx)
    assert claimed.deadline == NOW + 30


async def test_settling_a_video_nobody_waits_for_ends_its_looks(tx: Transaction) -> None:
    row_id, other = await add_video(tx, "video_1"), await add_video(tx, "video_2")
    await add_watch(tx, other)
    claimed = await claim_videos(tx)
    await videos.settle(tx, [row_id])
    await videos.settle(tx, [])
    assert list(await videos.held(tx, claimed, "poller_1")) == [other]
    assert await videos.in_flight(tx) == {"openai": 1}


async def test_after_a_cancelled_wait_a_new_one_is_not_disturbed_by_the_old_look(tx: Transaction) -> None:
    row_id = await add_video(tx)
    late = await claim_videos(tx)
    await videos.settle(tx, [row_id])
    await videos.watch_until(tx, row_id, NOW + 50, NOW + 1)
    assert await videos.held(tx, late, "poller_1") == {}
    assert len(await claim_videos(tx, now=NOW + 1)) == 1


async def test_the_next_due_video_is_that_of_the_asked_providers(tx: Transaction) -> None:
    await add_video(tx, provider="openai", due=NOW + 20)
    await add_video(tx, provider="azure", due=NOW + 10)
    await videos.add(tx, "idle", "video_1", NOW)
    assert await videos.next_due(tx, ["openai"]) == NOW + 20
    assert await videos.next_due(tx, ["openai", "azure", "idle"]) == NOW + 10
    assert await videos.next_due(tx, ["idle"]) is None
    assert await videos.next_due(tx, []) is None


async def test_videos_missing_at_their_latest_look_are_counted_with_all_looked_at(tx: Transaction) -> None:
    for number, (word, at) in enumerate([("missing", 0), ("missing", -60), ("missing", -61), ("trouble", -5)]):
        row_id = await add_video(tx, f"video_{number}")
        await looks.write(tx, [LookedVideo(row_id, VideoState(), NOW + at, word, NOW)])
    await add_video(tx, "never looked at")
    assert await videos.looked_since(tx, "openai", NOW - 60) == (2, 3)
    assert await videos.looked_since(tx, "azure", NOW - 60) == (0, 0)


async def test_videos_in_flight_are_those_somebody_waits_for(tx: Transaction) -> None:
    for provider, video_id in [("a", "video_1"), ("a", "video_2"), ("b", "video_1")]:
        await add_video(tx, video_id, provider=provider)
    await videos.add(tx, "c", "video_1", NOW)
    assert await videos.in_flight(tx) == {"a": 2, "b": 1}
    assert await watches.waiting_providers(tx) == {"a", "b"}
