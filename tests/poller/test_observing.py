"""What looks learn is kept for the time line, and nothing else."""

from __future__ import annotations

from bridge.models import VideoStatus
from bridge.simulator import Simulator
from bridge.store import observations
from tests.parts import Parts


async def learned(parts: Parts, watch_id: str) -> list[tuple[str, str | None, int | None]]:
    async with parts.database.read() as tx:
        return [(each.look, each.status, each.progress) for each in await observations.of_watch(tx, watch_id)]


async def test_only_looks_that_changed_something_are_kept(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    registered = await parts.register(callback_url="https://example.com/hook")
    await parts.live(45)
    kept = await learned(parts, registered.watch.id)
    assert 1 < len(kept) < simulator.retrieves["video_1"]
    assert len(set(kept)) == len(kept)
    assert kept[-1] == ("observed", VideoStatus.IN_PROGRESS, 99)


async def test_that_a_video_begins_to_be_missing_is_kept_once(parts: Parts, simulator: Simulator) -> None:
    registered = await parts.register("video_unknown", callback_url="https://example.com/hook")
    await parts.live(20)
    assert await learned(parts, registered.watch.id) == [("missing", None, None)]


async def test_trouble_teaches_nothing(parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    simulator.set_outage(500)
    registered = await parts.register(callback_url="https://example.com/hook")
    await parts.live(6)
    assert await learned(parts, registered.watch.id) == []
