"""A provider that refuses our key, or to show what is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.models import ProviderState, WatchStatus
from bridge.simulator import Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.parts import Parts, open_parts
from tests.poller.asking import START, asked, column, state
from tests.receiver import Receiver
from tests.servers import SimulatedProvider, running_simulator


async def watched(parts: Parts, simulator: Simulator, hook: str, names: Sequence[str], prompt: str = "a cat") -> None:
    for name in names:
        simulator.create(prompt, video_id=name)
        await parts.register(name, callback_url=hook)


async def test_a_refused_key_pauses_the_provider_and_keeps_the_watches(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    await watched(parts, simulator, hook, [f"video_{number}" for number in range(20)])
    simulator.set_outage(401)
    await parts.live(300)
    assert await state(parts) is ProviderState.PAUSED
    assert set(column(tmp_path, "status")) == {"watching"}
    assert receiver.received == []


async def test_a_paused_provider_is_asked_once_every_thirty_seconds(
    parts: Parts, simulator: Simulator, hook: str
) -> None:
    await watched(parts, simulator, hook, [f"video_{number}" for number in range(20)])
    simulator.set_outage(401)
    await parts.live(125)
    assert [at for at in asked(simulator) if at > 0] == [30, 60, 90, 120]


async def test_every_probe_asks_for_another_video(parts: Parts, simulator: Simulator, hook: str) -> None:
    await watched(parts, simulator, hook, ["a", "b", "c"])
    simulator.set_outage(401)
    await parts.live(200)
    probes = [seen.path.rpartition("/")[2] for seen in simulator.seen if seen.at > START]
    assert [set(probes[:3]), set(probes[3:6])] == [{"a", "b", "c"}] * 2


async def test_it_resumes_by_itself_with_all_its_videos(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    await watched(parts, simulator, hook, [f"video_{number}" for number in range(20)])
    simulator.set_outage(401)
    await parts.live(100)
    simulator.clear_outage()
    await parts.live(20)
    assert await state(parts) is ProviderState.OK
    assert set(column(tmp_path, "status")) == {"completed"}
    assert len(receiver.received) == 20


async def test_a_restart_does_not_make_us_knock_at_once(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await watched(parts, provider.simulator, hook, ["a", "b"])
        provider.simulator.set_outage(401)
        await parts.live(10)
    provider.simulator.seen.clear()
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        assert await state(parts) is ProviderState.PAUSED
        await parts.live(80)
    assert asked(provider.simulator) == [30, 60, 90]


async def test_another_server_behind_the_same_name_is_asked_at_once(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await watched(parts, provider.simulator, hook, ["a"])
        provider.simulator.set_outage(401)
        await parts.live(10)
        provider.simulator.clear_outage()
    async with open_parts(tmp_path, clock, {"openai": provider.base_url.replace("127.0.0.1", "localhost")}) as parts:
        assert await state(parts) is ProviderState.OK
        await parts.live(0)
    assert column(tmp_path, "status") == ["completed"]


async def test_one_paused_provider_leaves_the_others_alone(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with running_simulator(SimulatorSettings(api_key="another key"), clock) as closed:
        providers = {"closed": closed.base_url, "open": provider.base_url}
        async with open_parts(tmp_path, clock, providers) as parts:
            for name, simulator in (("closed", closed.simulator), ("open", provider.simulator)):
                simulator.create("a cat", video_id="video_1")
                await parts.register(callback_url=hook, provider=name)
            await parts.live(12)
            assert [await state(parts, name) for name in providers] == [ProviderState.PAUSED, ProviderState.OK]
    assert column(tmp_path, "status") == ["watching", "completed"]


async def test_a_video_that_is_not_ours_does_not_stop_the_others(
    parts: Parts, simulator: Simulator, hook: str, tmp_path: Path
) -> None:
    await watched(parts, simulator, hook, ["foreign", "mine"], "a cat [stuck]")
    simulator.fault_next(403, times=100, video_id="foreign")
    await parts.live(59)
    assert (await state(parts), set(column(tmp_path, "status"))) == (ProviderState.OK, {"watching"})
    assert len(asked(simulator, "mine")) > 8
    await parts.live(2)
    assert list(zip(column(tmp_path, "status"), column(tmp_path, "reason"), strict=True)) == [
        ("lost", "forbidden"),
        ("watching", None),
    ]


async def test_three_different_videos_that_are_not_ours_pause_the_provider(
    parts: Parts, simulator: Simulator, hook: str, tmp_path: Path
) -> None:
    await watched(parts, simulator, hook, ["a"], "a cat [duration=5]")
    await parts.live(8)
    await watched(parts, simulator, hook, ["b", "c", "d"])
    simulator.set_outage(403)
    await parts.live(150)
    assert await state(parts) is ProviderState.PAUSED
    assert column(tmp_path, "status") == ["completed", "watching", "watching", "watching"]
    assert [at for at in asked(simulator) if at > 8] == [38, 68, 98, 128, 158]


async def test_a_video_that_is_shown_in_between_starts_the_count_anew(
    parts: Parts, simulator: Simulator, hook: str
) -> None:
    for name in ("a", "b", "c", "d"):
        await watched(parts, simulator, hook, [f"foreign-{name}"], "a cat [stuck]")
        simulator.fault_next(403, times=2, video_id=f"foreign-{name}")
        await parts.live(1)
        await watched(parts, simulator, hook, [f"mine-{name}"], "a cat [stuck]")
        await parts.live(1)
        assert await state(parts) is ProviderState.OK


async def test_a_provider_paused_by_foreign_videos_comes_back_with_the_first_of_ours(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    await watched(parts, simulator, hook, ["a", "b", "c", "mine"], "a cat [stuck]")
    for name in ("a", "b", "c"):
        simulator.fault_next(403, times=1000, video_id=name)
    simulator.fault_next(403, video_id="mine")
    await parts.live(1)
    assert await state(parts) is ProviderState.PAUSED
    simulator.end("mine")
    await parts.live(200)
    assert [call.json["data"]["id"] for call in receiver.received][:1] == ["mine"]


async def test_a_watch_on_a_paused_provider_can_be_cancelled(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.set_outage(401)
    registered = await parts.register(callback_url=hook)
    await parts.live(1)
    assert (await parts.registry.cancel(registered.watch.id)).status is WatchStatus.CANCELLED
    await parts.live(100)
    assert asked(simulator) == [0]
