"""When a video that is not there is lost, and when the provider is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.models import ProviderState, WatchStatus
from bridge.pacing import Pace
from bridge.simulator import Reply, Simulator
from bridge.simulator.state import Answer
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.poller.asking import asked, column, state
from tests.receiver import Receiver
from tests.servers import SimulatedProvider

pytestmark = pytest.mark.long

NOT_FOUND = [
    404,
    410,
    Reply(404, b"<html>Not Found</html>", {"content-type": "text/html"}),
    Reply(404, b'{"detail": "Video not found"}'),
    Reply(400, b'{"code": "task_not_exist", "message": "task_not_exist", "data": null}'),
    Reply(400, b'{"error": {"code": "task_not_exist", "message": "no"}}'),
]


@pytest.fixture(autouse=True)
async def known(parts: Parts, simulator: Simulator) -> None:
    """One video that the provider shows, so that its "not found" can be believed."""
    simulator.create("a cat [stuck]", video_id="known")
    await parts.register("known", callback_url="https://example.com/hook")
    await parts.look()


@pytest.mark.parametrize("answer", NOT_FOUND)
async def test_a_video_not_found_five_times_in_a_minute_is_lost(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, answer: Answer
) -> None:
    simulator.fault_next(answer, times=100, video_id="video_1")
    registered = await parts.register(callback_url=hook, metadata={"a": "b"})
    await parts.live(59.9)
    assert (await parts.watch(registered)).status is WatchStatus.WATCHING
    await parts.live(0.1)
    watch = await parts.watch(registered)
    assert (watch.status, watch.reason) == (WatchStatus.LOST, "not_found")
    assert asked(simulator, "video_1") == [0, 15, 30, 45, 60]
    (call,) = receiver.received
    assert call.json["type"] == "watch.lost"
    assert {name for name, value in call.json["data"].items() if value is not None} == {"id", "object"}


@pytest.mark.parametrize(("grace", "moments"), [(0, [0, 1, 2, 3, 4]), (20, [0, 5, 10, 15, 20])])
async def test_a_shorter_grace_still_means_five_looks(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str, grace: float, moments: list[float]
) -> None:
    setting = Setting(pace=Pace(lost_grace=grace))
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, setting) as parts:
        registered = await parts.register(callback_url=hook)
        await parts.live(30)
        assert (await parts.watch(registered)).status is WatchStatus.LOST
    assert asked(provider.simulator, "video_1") == moments


async def test_a_longer_grace_is_waited_for(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    setting = Setting(pace=Pace(min_interval=30, lost_grace=600))
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, setting) as parts:
        registered = await parts.register(callback_url=hook)
        await parts.live(599)
        assert (await parts.watch(registered)).status is WatchStatus.WATCHING
        await parts.live(1)
        assert (await parts.watch(registered)).status is WatchStatus.LOST


async def test_only_looks_in_a_row_count(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    for _ in range(3):
        simulator.fault_next(404, times=4, video_id="video_1")
        await parts.live(80)
    assert (await parts.watch(registered)).status is WatchStatus.WATCHING


async def test_trouble_in_between_neither_counts_nor_excuses(parts: Parts, simulator: Simulator, hook: str) -> None:
    for answer in (404, 404, 500, 500, 500, 404, 404, 404):  # three tries are one look
        simulator.fault_next(answer, video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.live(75)
    assert (await parts.watch(registered)).status is WatchStatus.LOST
    assert len(asked(simulator, "video_1")) == 8


async def test_a_video_that_was_seen_and_then_vanished_is_told_as_it_was_seen(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [vanish] [duration=5]", video_id="video_1")
    await parts.register(callback_url=hook)
    await parts.live(80)
    (call,) = receiver.received
    assert call.json["type"] == "watch.lost"
    assert call.json["data"]["status"] == "in_progress"
    assert call.json["data"]["prompt"] == "a cat [vanish] [duration=5]"


async def test_all_watches_on_a_lost_video_are_told(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    for key in ("a", "b", "c"):
        await parts.register(callback_url=hook, key=key)
    await parts.live(60)
    assert [call.json["type"] for call in receiver.received] == ["watch.lost"] * 3
    assert len(asked(simulator, "video_1")) == 5


async def test_a_base_url_without_its_version_loses_nobody(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    provider.simulator.create("a cat", video_id="video_1")
    async with open_parts(folder, clock, {"openai": provider.base_url.removesuffix("/v1")}) as wrong:
        await wrong.register(callback_url=hook)
        await wrong.live(200)
        assert await state(wrong) is ProviderState.SUSPECT
        assert column(folder, "status") == ["watching"]
    async with open_parts(folder, clock, {"openai": provider.base_url}) as right:
        await right.live(30)
        assert await state(right) is ProviderState.OK
    assert [call.json["type"] for call in receiver.received] == ["video.completed"]


async def test_a_roll_out_that_finds_nothing_for_two_minutes_loses_nobody(
    parts: Parts, simulator: Simulator, hook: str, tmp_path: Path
) -> None:
    for number in range(11):  # and the one that is known already
        simulator.create("a cat [stuck]", video_id=f"video_{number}")
        await parts.register(f"video_{number}", callback_url=hook)
    await parts.live(0)
    simulator.set_outage(404)
    await parts.live(120)
    assert await state(parts) is ProviderState.SUSPECT
    simulator.clear_outage()
    await parts.live(20)
    assert await state(parts) is ProviderState.OK
    assert set(column(tmp_path, "status")) == {"watching"}


async def test_after_a_roll_out_that_forgot_its_videos_those_are_lost_once_others_are_found(
    parts: Parts, simulator: Simulator, hook: str, tmp_path: Path
) -> None:
    for number in range(12):
        await parts.register(f"gone_{number}", callback_url=hook)
    await parts.live(120)
    assert await state(parts) is ProviderState.SUSPECT
    assert set(column(tmp_path, "status")) == {"watching"}
    for number in range(12):
        simulator.create("a cat [stuck]", video_id=f"new_{number}")
        await parts.register(f"new_{number}", callback_url=hook)
    await parts.live(30)
    assert await state(parts) is ProviderState.OK
    assert sorted(set(column(tmp_path, "status"))) == ["lost", "watching"]


async def test_ten_missing_among_many_are_the_videos_fault_not_the_providers(
    parts: Parts, simulator: Simulator, hook: str, tmp_path: Path
) -> None:
    for number in range(10):
        simulator.create("a cat [stuck]", video_id=f"there_{number}")
        await parts.register(f"there_{number}", callback_url=hook)
        await parts.register(f"gone_{number}", callback_url=hook)
    await parts.live(60)
    assert await state(parts) is ProviderState.OK
    assert column(tmp_path, "status").count("lost") == 10


async def test_a_server_error_for_ever_loses_nobody(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.set_outage(500)
    registered = await parts.register(callback_url=hook)
    await parts.live(200)
    assert (await parts.watch(registered)).status is WatchStatus.WATCHING
