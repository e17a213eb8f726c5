"""A provider that asks for fewer requests."""

from __future__ import annotations

from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.pacing import Pace
from bridge.simulator import Reply, Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.poller.asking import START, asked, column
from tests.receiver import Receiver
from tests.servers import SimulatedProvider, running_simulator


def slow_down(**headers: str) -> Reply:
    return Reply(429, b"{}", {name.replace("_", "-"): value for name, value in headers.items()})


def waits(moments: list[float]) -> list[float]:
    """How far these moments are apart, those that are equal taken together."""
    different = list(dict.fromkeys(moments))
    return [round(later - earlier, 2) for earlier, later in pairwise(different)]


async def watched(parts: Parts, simulator: Simulator, number: int, prompt: str = "a cat [stuck]") -> None:
    for index in range(number):
        simulator.create(prompt, video_id=f"video_{index}")
        await parts.register(f"video_{index}", callback_url="https://example.com/hook")


@pytest.mark.parametrize(
    "headers",
    [{"retry_after": "40"}, {"retry_after_ms": "40000"}, {"retry_after": formatdate(START + 40, usegmt=True)}],
    ids=["seconds", "milliseconds", "date"],
)
async def test_everything_waits_for_exactly_as_long_as_the_provider_asked(
    parts: Parts, simulator: Simulator, headers: dict[str, str]
) -> None:
    await watched(parts, simulator, 1)
    simulator.fault_next(slow_down(**headers))
    await parts.live(1)
    await watched(parts, simulator, 5)
    await parts.live(38.9)
    assert asked(simulator) == [0]
    await parts.live(0.1)
    assert asked(simulator) == [0, *[40] * 5]


async def test_without_a_time_the_waits_grow(parts: Parts, simulator: Simulator) -> None:
    await watched(parts, simulator, 3)
    simulator.set_outage(slow_down())
    await parts.live(100)
    assert waits(asked(simulator)) == [2, 2.5, 4, 8, 16, 32]  # first the video's own pace, then the provider's wait


async def test_another_provider_goes_on_meanwhile(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with running_simulator(SimulatorSettings(duration=10), clock) as other:
        providers = {"openai": provider.base_url, "other": other.base_url}
        async with open_parts(tmp_path, clock, providers) as parts:
            for name, simulator in (("openai", provider.simulator), ("other", other.simulator)):
                simulator.create("a cat", video_id="video_1")
                await parts.register(callback_url=hook, provider=name)
            provider.simulator.set_outage(slow_down(retry_after="3600"))
            await parts.live(12)
    assert column(tmp_path, "status") == ["watching", "completed"]
    assert len(asked(provider.simulator)) == 1
    assert len(asked(other.simulator)) > 3


async def test_a_slow_provider_does_not_hold_up_another(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with running_simulator(SimulatorSettings(duration=10), clock) as other:
        setting = Setting(rate=0.01, room=4)
        providers = {"slow": provider.base_url, "other": other.base_url}
        async with open_parts(tmp_path, clock, providers, setting) as parts:
            for number in range(8):
                await parts.register(f"video_{number}", callback_url=hook, provider="slow")
                if number in (2, 7):
                    await parts.poller.tick()
            await parts.register(callback_url=hook, provider="other")
            await parts.poller.tick()
            await other.simulator.until(lambda: other.simulator.retrieves["video_1"] == 1)
            assert [item.provider for item in parts.poller.in_flight].count("slow") == 4


async def test_a_restart_keeps_to_the_wait(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, simulator: Simulator
) -> None:
    for _ in range(2):
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
            await watched(parts, simulator, 2)
            simulator.fault_next(slow_down(retry_after="50"))
            await parts.live(10)
    assert len(asked(simulator)) <= 2


async def test_a_hostile_wait_is_cut_to_an_hour(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, simulator: Simulator
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await watched(parts, simulator, 1)
        simulator.fault_next(slow_down(retry_after="99999999999"))
        await parts.live(0)
        await clock.advance(3599)
        await parts.live(0)
        assert len(asked(simulator)) == 1
        await parts.live(1)
        assert len(asked(simulator)) == 2


async def test_looks_that_wait_for_their_turn_send_nothing_more_once_a_429_came(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, simulator: Simulator
) -> None:
    setting = Setting(rate=50)  # twelve looks would take a quarter of a second
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, setting) as parts:
        await watched(parts, simulator, 12)
        simulator.fault_next(slow_down(retry_after="60"))
        await parts.live(59)
        assert len(asked(simulator)) <= 3
        await parts.live(1)
        assert len(asked(simulator)) >= 13


async def test_looks_that_wait_for_their_turn_send_nothing_more_once_the_key_was_refused(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, simulator: Simulator
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(rate=50)) as parts:
        await watched(parts, simulator, 12)
        simulator.set_outage(401)
        await parts.live(29)
        assert len(asked(simulator)) <= 3


async def test_everyone_is_looked_at_after_the_wait(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    for index in range(12):
        simulator.create("a cat", video_id=f"video_{index}")
        await parts.register(f"video_{index}", callback_url=hook)
    simulator.set_outage(slow_down(retry_after="20"))
    await parts.live(19)
    simulator.clear_outage()
    await parts.live(2)
    assert len(receiver.received) == 12


async def test_the_providers_own_pace_is_respected_for_each_video(
    tmp_path: Path, clock: ManualClock, hook: str
) -> None:
    async with running_simulator(SimulatorSettings(duration=100, poll_after=17), clock) as provider:
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
            provider.simulator.create("a cat", video_id="video_1")
            await parts.register(callback_url=hook)
            await parts.live(60)
        assert asked(provider.simulator) == [0, 17, 34, 51]


async def test_the_looks_grow_apart_from_two_seconds_to_the_longest_interval(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, simulator: Simulator
) -> None:
    setting = Setting(pace=Pace(max_interval=4))
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, setting) as parts:
        simulator.create("a cat [stuck=queued]", video_id="video_0")
        await parts.register("video_0", callback_url="https://example.com/hook")
        await parts.live(20)
    assert waits(asked(simulator)) == [2.0, 2.5, 3.12, 3.91, 4.0, 4.0]
