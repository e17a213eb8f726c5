"""CPU time of one observation (claimed, decided, written) by the number of videos in flight.

The baseline is 1,000 in flight: nothing that a look does may grow with what else there is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from bridge.ids import new_id
from bridge.models import EventType, Observed, Video, VideoStatus
from bridge.poller.recording import Looked
from bridge.store import destinations, videos, watches
from bridge.store.destinations import DestinationRow
from bridge.store.videos import NewVideo
from bridge.store.watches import NewWatch
from tests.bench.cores import spending
from tests.bench.figures import Row
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts

FEW, MANY = 1_000, 100_000
LOOKS = 4_000
ROOM = 100


async def measure(runs: int) -> list[Row]:
    """One row."""
    costs: dict[int, list[float]] = {FEW: [], MANY: []}
    for number, its in costs.items():
        with tempfile.TemporaryDirectory() as folder:
            setting = Setting(room=ROOM)
            async with open_parts(Path(folder), ManualClock(), {"openai": "http://127.0.0.1:9/v1"}, setting) as parts:
                await fill(parts, number)
                await _look(parts, ROOM)  # statements are compiled, pages are read
                its += [await _look(parts, LOOKS) for _ in range(runs)]
    few, many = median(costs[FEW]), median(costs[MANY])
    return [
        Row(
            f"An observation with {MANY:,} in flight",
            f"{many * 1e6:.0f} µs",
            f"{few * 1e6:.0f} µs with {FEW:,}",
            f"{many / few:.2f}",
        )
    ]


async def _look(parts: Parts, number: int) -> float:
    """CPU seconds for each of so many looks, a hundred at a time; each shows something new."""
    with spending() as spent:
        for start in range(0, number, ROOM):
            claims = await parts.poller.claim()
            assert len(claims) == ROOM, len(claims)
            look = Observed(Video("video", VideoStatus.IN_PROGRESS, progress=start % 100))
            await parts.poller.record([Looked(each, look, parts.clock.now()) for each in claims])
            await parts.clock.advance(31)
    return spent.cpu / number


async def fill(parts: Parts, number: int) -> None:
    """So many videos in flight, all due, each watched for one destination."""
    now = parts.clock.now()
    told = DestinationRow(
        id=new_id("dest"),
        name=None,
        origin="inline",
        kind="callback",
        target="t" * 64,
        shown_url="https://example.com/hook",
        host="example.com",
        config=b"sealed",
        config_key="01234567",
        digest="d" * 64,
        events=tuple(EventType),
        is_default=False,
        created_at=now,
        created_by=None,
    )
    async with parts.database.write() as tx:
        await destinations.add(tx, told)
        for start in range(0, number, 1000):
            new = [
                NewVideo(new_id("vid"), "openai", f"video_{each}", now, now + 86_400.0 * 30)
                for each in range(start, min(number, start + 1000))
            ]
            await videos.add_many(tx, new)
            await watches.add_many(tx, [_watch(each, told.id) for each in new])


def _watch(video: NewVideo, destination_id: str) -> NewWatch:
    watch_id = new_id("watch")
    return NewWatch(
        id=watch_id,
        video_row=video.id,
        provider=video.provider,
        video_id=video.video_id,
        slot=watch_id,
        key="k" * 64,
        content="c" * 64,
        metadata={},
        created_at=video.created_at,
        created_by=None,
        expires_at=video.deadline,
        destination_ids=[destination_id],
    )
