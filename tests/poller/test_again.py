"""A look that showed nothing new goes a way of its own, and comes to the same as by the usual one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bridge.models import BadKey, Observed, ProviderState, Video, VideoStatus
from bridge.pacing import Pace
from bridge.poller.again import is_plain
from bridge.poller.again import same as same_of
from bridge.poller.recording import Looked, Recorded, record_looks
from bridge.providers import health
from bridge.providers.health import Health
from bridge.store import Transaction, durations, looks, sweeps, tables
from bridge.store.sweeps import WaitedVideo
from tests.parts import Parts
from tests.store.rows import NOW, add_video, looked, row

LATER = NOW + 20
SHOWN = Video("", VideoStatus.IN_PROGRESS, "sora-2", 40, int(NOW) - 90, seconds="4", size="720x1280")
REPORTS = (2.0, 100.0, 0.8, 5000.0, 40.0, 0.32)


async def known(tx: Transaction, *video_ids: str) -> list[WaitedVideo]:
    """Videos that were observed before, as they are known."""
    for each in video_ids:
        video_row = await add_video(tx, each, deadline=NOW + 86_400)
        video = replace(SHOWN, id=each)
        await looks.write(tx, [looked(video_row, video=video, deadline=NOW + 86_400, reports=REPORTS)])
    return await sweeps.waited(tx, "openai", video_ids)


def usual(each: WaitedVideo) -> Looked:
    """A look that showed it as it is known, like any other."""
    video = each.video()
    assert video is not None
    return Looked(each.claimed("openai"), Observed(video, 7.5), LATER, requests=0)


async def record(
    tx: Transaction, usually: Collection[WaitedVideo], same: Collection[WaitedVideo], standing: Health | None = None
) -> Recorded:
    """Record looks of one turn, some by the usual way."""
    return await record_looks(
        tx,
        [usual(each) for each in usually],
        owner="",
        health={"openai": standing or health.fresh(NOW)},
        base_urls={"openai": "https://example.com"},
        rates={"openai": 5.0},
        pace=Pace(),
        now=LATER,
        held={each.id: each.state(each.video()) for each in usually},
        pages={"openai": 3},
        same=[same_of("openai", each, 7.5) for each in same],
    )


async def test_the_row_is_the_same(parts: Parts) -> None:
    async with parts.database.write() as tx:
        first, second = await known(tx, "video_1", "video_2")
        recorded = await record(tx, [first], [second])
        rows = [dict(await row(tx, tables.videos, each.id)) for each in (first, second)]
    assert rows[0]["looks"] == 2
    assert rows[0]["reports"] != list(REPORTS)
    assert recorded.planned == {first.id: rows[0]["next_at"], second.id: rows[0]["next_at"]}
    first_row, second_row = ({**each, "id": "", "video_id": "", "observation": ""} for each in rows)
    assert first_row == second_row


async def test_a_page_is_one_request_whatever_it_shows(parts: Parts) -> None:
    async with parts.database.write() as tx:
        first, second = await known(tx, "video_1", "video_2")
        await record(tx, [first], [second])
        await record(tx, [], [])
        tempos = await durations.tempos_of(tx, ["openai"])
    assert tempos["openai"]["used"] == 6


async def test_it_speaks_for_the_provider(parts: Parts) -> None:
    paused = health.after(health.fresh(NOW), BadKey(), "video_1", NOW)
    async with parts.database.write() as tx:
        recorded = await record(tx, [], await known(tx, "video_1"), paused)
    assert recorded.health["openai"].state is ProviderState.OK
    assert recorded.health["openai"].answered


async def test_one_that_was_missing_or_pushed_goes_the_usual_way(parts: Parts) -> None:
    async with parts.database.write() as tx:
        (plain,) = await known(tx, "video_1")
    assert is_plain(plain)
    others = [plain._replace(missing_count=1), plain._replace(pushed_at=NOW), plain._replace(observation=None)]
    assert not any(is_plain(each) for each in others)
