"""Rows that a page of a list may be about."""

from __future__ import annotations

from bridge.models import VideoStatus
from bridge.store import Transaction, looks, sweeps, tables, videos
from bridge.store.videos import AT_ONCE
from tests.store.rows import LEASE, NOW, a_video, add_video, claim_videos, looked, row


async def test_those_that_somebody_waits_for_are_found_with_all_that_is_known(tx: Transaction) -> None:
    seen = await add_video(tx, "seen")
    await add_video(tx, "elsewhere", provider="azure")
    await videos.add(tx, "openai", "idle", NOW)
    await looks.write(tx, [looked(seen, video=a_video("seen"), deadline=NOW + 3600, reports=(2.0, 9.5))])
    await videos.hasten(tx, "openai", "seen", NOW + 1)
    (found,) = await sweeps.waited(tx, "openai", ["seen", "elsewhere", "idle", "unknown"])
    assert (found.id, found.video_id, found.looked_at, found.next_at) == (seen, "seen", NOW, NOW + 1 - AT_ONCE)
    state = found.state(found.video())
    assert state.video is not None
    assert (state.video.status, state.looks, state.deadline) == (VideoStatus.IN_PROGRESS, 1, NOW + 3600)
    assert (state.registered_at, state.looked_at, state.reports, state.pushed_at) == (NOW, NOW, (2.0, 9.5), NOW + 1)


async def test_a_page_may_be_of_any_length(tx: Transaction) -> None:
    await add_video(tx, "video_39999")
    found = await sweeps.waited(tx, "openai", {f"video_{number}" for number in range(40_000)})
    assert [each.video_id for each in found] == ["video_39999"]


async def test_a_row_that_is_to_be_confirmed_is_due_unless_somebody_looks_at_it(tx: Transaction) -> None:
    leased, free = await add_video(tx, "leased"), await add_video(tx, "free", due=NOW + 9)
    await claim_videos(tx)
    await sweeps.look_at_once(tx, [leased, free], NOW - 5)
    assert [(await row(tx, tables.videos, each))["next_at"] for each in (leased, free)] == [NOW + LEASE, NOW - 5]


async def test_from_when_on_so_many_are_due(tx: Transaction) -> None:
    for number in range(3):
        await add_video(tx, f"video_{number}", due=NOW + number)
    await add_video(tx, "other", provider="azure")
    assert await sweeps.due_moments(tx, ["openai", "azure"], 3) == {"openai": NOW + 2}
