"""What finished jobs teach: kept with the looks that showed it, and used for the jobs that follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import StoreError
from bridge.models import Observed, Outlook, Video, VideoStatus
from bridge.pacing import Tempo
from bridge.poller.recording import Looked
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts, allow, forbid, open_parts, sql
from tests.servers import SimulatedProvider

pytestmark = pytest.mark.long

HOOK = "https://example.com/hook"


async def finish(parts: Parts, simulator: Simulator, *prompts: str) -> None:
    """Watch jobs with these prompts, one after the other, until they have ended."""
    for prompt in prompts:
        video_id = f"video_{len(simulator.retrieves)}"
        simulator.create(prompt, video_id=video_id)
        await parts.register(video_id, callback_url=HOOK)
        await parts.live(60)


def learned(folder: Path) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    rows = sql(folder, "SELECT provider, model, seconds, size, learned FROM durations")
    return {row[:4]: json.loads(row[4]) if isinstance(row[4], str) else row[4] for row in rows}


def tempo(folder: Path) -> Tempo:
    ((kept,),) = sql(folder, "SELECT tempo FROM tempos")
    return Tempo.from_dict(json.loads(kept) if isinstance(kept, str) else kept)


async def outlook(parts: Parts, video_id: str) -> Outlook:
    watch = (await parts.register(video_id, callback_url=HOOK)).watch
    return (await parts.registry.outlooks([watch.id]))[watch.id]


async def test_a_job_teaches_its_group_its_model_and_its_provider(
    tmp_path: Path, parts: Parts, simulator: Simulator
) -> None:
    await finish(parts, simulator, "a cat [duration=20]", "a cat [duration=20]")
    known = learned(tmp_path)
    assert set(known) == {("openai", "sora-2", "4", "720x1280"), ("openai", "sora-2", "", ""), ("openai", "", "", "")}
    assert {each["jobs"] for each in known.values()} == {2}
    assert all(each["mean"] == pytest.approx(3.0, abs=0.1) for each in known.values())


async def test_jobs_that_fail_or_ended_before_anybody_knew_when_teach_nothing(
    tmp_path: Path, parts: Parts, simulator: Simulator
) -> None:
    await finish(parts, simulator, "a cat [duration=20] [fail]")
    await parts.register("video_9", callback_url=HOOK)
    (claim,) = await parts.poller.claim()
    ended = Video("video_9", VideoStatus.COMPLETED)
    await parts.poller.record([Looked(claim, Observed(ended), parts.clock.now())])
    assert learned(tmp_path) == {}


async def test_a_job_registered_late_counts_by_its_providers_times(
    tmp_path: Path, parts: Parts, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.create("a cat [duration=20]", video_id="video_1")
    await clock.advance(3000)
    await parts.register("video_1", callback_url=HOOK)
    await parts.live(0)
    assert learned(tmp_path)["openai", "", "", ""]["mean"] == pytest.approx(3.0, abs=0.1)


async def test_a_provider_without_times_is_measured_by_our_looks(tmp_path: Path, parts: Parts) -> None:
    await parts.register("video_1", callback_url=HOOK)
    for seconds, status in ((40, VideoStatus.IN_PROGRESS), (4, VideoStatus.COMPLETED)):
        await parts.clock.advance(seconds)
        (claim,) = await parts.poller.claim()
        seen = Observed(Video("video_1", status))
        await parts.poller.record([Looked(claim, seen, parts.clock.now())])
    assert learned(tmp_path)["openai", "", "", ""]["mean"] == pytest.approx(3.74, abs=0.02)  # 42 seconds


async def test_what_was_learned_spares_looks_and_is_explained(parts: Parts, simulator: Simulator) -> None:
    await finish(parts, simulator, *["a cat [duration=40]"] * 5)
    before, after = simulator.retrieves["video_0"], simulator.retrieves["video_4"]
    assert after < before / 1.5
    simulator.create("a cat [duration=40]", video_id="next")
    await parts.register("next", callback_url=HOOK)
    await parts.look()
    found = await outlook(parts, "next")
    assert found.expected_end_at == pytest.approx(parts.clock.now() + 40, abs=8)
    assert "5 finished jobs like it, median 4" in found.reason


async def test_a_restart_forgets_nothing(
    tmp_path: Path, parts: Parts, simulator: Simulator, provider: SimulatedProvider
) -> None:
    await finish(parts, simulator, *["a cat [duration=20]"] * 3)
    async with open_parts(tmp_path, parts.clock, {"openai": provider.base_url}) as restarted:
        await finish(restarted, simulator, "a cat [duration=20]")
    assert learned(tmp_path)["openai", "", "", ""]["jobs"] == 4


async def test_another_server_behind_the_name_is_a_stranger(tmp_path: Path, parts: Parts, simulator: Simulator) -> None:
    await finish(parts, simulator, "a cat [duration=20]")
    async with open_parts(tmp_path, parts.clock, {"openai": "http://127.0.0.1:9/v1"}):
        assert learned(tmp_path) == {}


async def test_learning_and_the_end_are_one_commit(tmp_path: Path, parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    watch = await parts.register("video_1", callback_url=HOOK)
    (claim,) = await parts.poller.claim()
    looked = await parts.poller.work(claim)
    forbid(tmp_path, "INSERT ON deliveries")
    with pytest.raises(StoreError):
        await parts.poller.record([looked])
    assert learned(tmp_path) == {}
    allow(tmp_path)
    await parts.poller.record([looked])
    assert learned(tmp_path)["openai", "", "", ""]["jobs"] == 1
    assert (await parts.watch(watch)).status == "completed"


async def test_reports_of_a_job_are_kept_in_its_row(tmp_path: Path, parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [duration=50]", video_id="video_1")
    await parts.register("video_1", callback_url=HOOK)
    await parts.live(30)
    ((kept,),) = sql(tmp_path, "SELECT reports FROM videos")
    assert (json.loads(kept) if isinstance(kept, str) else kept)[0] >= 3


async def test_pushes_that_come_first_are_learned(tmp_path: Path, parts: Parts, simulator: Simulator) -> None:
    await finish(parts, simulator, "a cat [duration=3]")
    assert (tempo(tmp_path).ends, tempo(tmp_path).pushed) == (1, 0)
    simulator.create("a cat [duration=5]", video_id="pushed")
    await parts.register("pushed", callback_url=HOOK)
    await parts.look()
    await parts.clock.advance(5)
    assert await parts.registry.look_now("openai", "pushed")
    assert (await outlook(parts, "pushed")).reason.endswith("because the provider says that it ended")
    await parts.look()
    assert tempo(tmp_path).pushed == 1
    assert not await parts.registry.look_now("openai", "pushed")


async def test_a_push_during_a_look_that_began_too_soon_is_followed_by_another_look(
    parts: Parts, simulator: Simulator
) -> None:
    await finish(parts, simulator, *["a cat [duration=40]"] * 4)
    simulator.create("a cat [duration=9]", video_id="pushed")
    await parts.register("pushed", callback_url=HOOK)
    (claim,) = await parts.poller.claim()
    looked = await parts.poller.work(claim)
    await parts.registry.look_now("openai", "pushed")
    await parts.poller.record([looked])
    assert await parts.poller.next_due() == parts.clock.now() + 1


async def test_requests_are_counted_for_the_price(tmp_path: Path, parts: Parts, simulator: Simulator) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    await parts.register("video_1", callback_url=HOOK)
    await parts.look()
    assert tempo(tmp_path) == Tempo(used=1, since=parts.clock.now())


async def test_who_waits_for_nothing_has_no_next_look(parts: Parts, simulator: Simulator) -> None:
    await finish(parts, simulator, "a cat [duration=3]")
    assert (await outlook(parts, "video_0")) == Outlook(None, "nobody waits for it any more")
    assert await parts.registry.outlooks(["watch_none"]) == {}
    assert (await outlook(parts, "video_new")).reason.startswith("not looked at yet; first look ")
