"""When a watch gives up: in time, whatever the provider says, and never without one more look."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.models import WatchStatus
from bridge.pacing import Pace
from bridge.simulator import Fault, Reply, Simulator, SimulatorSettings
from bridge.simulator.state import Answer
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.poller.asking import asked, column
from tests.receiver import Receiver
from tests.servers import SimulatedProvider, running_simulator

pytestmark = pytest.mark.long

DAY = 86_400


def slow_down(seconds: int) -> Reply:
    return Reply(429, b"", {"retry-after": str(seconds)})


async def test_a_watch_gives_up_at_its_time_after_one_more_look(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    registered = await parts.register(callback_url=hook, timeout=100)
    await parts.live(99.9)
    assert (await parts.watch(registered)).status is WatchStatus.WATCHING
    await parts.live(0.1)
    watch = await parts.watch(registered)
    assert (watch.status, watch.ended_at) == (WatchStatus.TIMED_OUT, watch.expires_at)
    assert asked(simulator)[-1] == 100
    (call,) = receiver.received
    assert (call.json["type"], call.json["data"]["status"]) == ("watch.timed_out", "in_progress")
    await parts.live(100)
    assert asked(simulator)[-1] == 100


async def test_a_video_that_ends_at_the_last_moment_is_told_as_completed(
    parts: Parts, simulator: Simulator, hook: str
) -> None:
    simulator.create("a cat [duration=100]", video_id="video_1")
    registered = await parts.register(callback_url=hook, timeout=100)
    await parts.live(100)
    assert (await parts.watch(registered)).status is WatchStatus.COMPLETED


async def test_a_look_begun_before_the_time_was_up_is_not_the_last_one(
    parts: Parts, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.create("a cat [duration=6]", video_id="video_1")
    registered = await parts.register(callback_url="https://example.com/hook", timeout=5)
    await parts.poller.tick()
    await simulator.until(lambda: simulator.retrieves["video_1"] == 1)
    await clock.advance(7)  # the answer is a slow one
    await parts.live(1)
    assert simulator.retrieves["video_1"] == 2
    assert (await parts.watch(registered)).status is WatchStatus.COMPLETED


async def test_each_watch_has_a_time_of_its_own(parts: Parts, simulator: Simulator, tmp_path: Path) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    for timeout in (30, 10, 20):
        await parts.register(callback_url="https://example.com/hook", timeout=timeout, key=str(timeout))
    await parts.live(40)
    assert column(tmp_path, "ended_at - created_at") == [30, 10, 20]


async def test_the_providers_own_pace_keeps_no_watch_from_ending_in_time(tmp_path: Path, clock: ManualClock) -> None:
    async with running_simulator(SimulatorSettings(poll_after=3600), clock) as provider:
        provider.simulator.create("a cat [stuck]", video_id="video_1")
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
            for timeout in (20, 10):
                await parts.register(callback_url="https://example.com/hook", timeout=timeout, key=str(timeout))
            await parts.live(30)
    assert column(tmp_path, "ended_at - created_at") == [20, 10]


ODD: list[Answer] = [
    500,
    400,
    418,
    302,
    204,
    Fault.RESET,
    Fault.NOT_JSON,
    Reply(200, b""),
    Reply(200, b"null"),
    Reply(200, b"[]"),
    Reply(200, b"\xff\xfe\x00"),
    Reply(200, b'{"status": 7}'),
    Reply(200, b'{"status": "banana"}'),
    Reply(200, b'{"status": "\\ud800\\u0000", "prompt": "\\ud800", "progress": 1e999}'),
    Reply(200, b'{"status": "queued", "created_at": ' + b"9" * 5000 + b"}"),
    Reply(200, b'{"status": "queued", "error": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    Reply(200, b'{"status": "queued", "prompt": "' + b"x" * 2**21 + b'"}'),
    Reply(200, b'{"status": "queued"}', {"openai-poll-after-ms": "1e400"}),
    Reply(200, b'{"status": "queued"}', {"openai-poll-after-ms": "999999999999"}),
    Reply(200, b'{"status": "queued"}', {"content-encoding": "gzip"}),
    Reply(503, b"", {"retry-after": "99999999"}),
]


async def test_no_answer_about_a_video_however_odd_keeps_its_watch_from_ending_in_time(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    setting = Setting(pace=Pace(min_interval=10))
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, setting) as parts:
        for number, answer in enumerate(ODD):
            provider.simulator.fault_next(answer, times=20, video_id=f"video_{number}")
            await parts.register(f"video_{number}", callback_url=hook, timeout=40)
        await parts.live(40)
    assert set(column(tmp_path, "status")) == {"timed_out"}
    assert len(receiver.received) == len(ODD)


@pytest.mark.parametrize("answer", [401, 403, 404, 500, Reply(429), slow_down(1), slow_down(60), slow_down(3600)])
async def test_nothing_a_provider_says_for_ever_keeps_a_watch_from_ending(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, answer: Answer
) -> None:
    simulator.set_outage(answer)
    registered = await parts.register(callback_url=hook, timeout=40)
    await parts.live(40)
    if (await parts.watch(registered)).status is WatchStatus.WATCHING:
        await parts.live(3600)  # the longest that a provider may make us wait
    assert (await parts.watch(registered)).status is WatchStatus.TIMED_OUT
    assert [call.json["type"] for call in receiver.received] == ["watch.timed_out"]


async def test_a_server_that_is_not_there_keeps_no_watch_from_ending(
    tmp_path: Path, clock: ManualClock, hook: str
) -> None:
    async with open_parts(tmp_path, clock, {"openai": "http://127.0.0.1:9/v1"}) as parts:
        registered = await parts.register(callback_url=hook, timeout=40)
        await parts.live(40)
        assert (await parts.watch(registered)).status is WatchStatus.TIMED_OUT


async def test_a_watch_on_a_paused_provider_gives_up_with_the_next_probe(
    parts: Parts, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.set_outage(401)
    for number in range(5):
        await parts.register(f"video_{number}", callback_url="https://example.com/hook", timeout=100)
    await parts.live(119)
    assert set(column(tmp_path, "status")) == {"watching"}
    await parts.live(1)
    assert set(column(tmp_path, "status")) == {"timed_out"}
    assert asked(simulator)[-4:] == [30, 60, 90, 120]


async def test_a_provider_that_comes_back_with_the_last_probe_is_believed(
    parts: Parts, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.set_outage(401)
    for number in range(5):
        simulator.create("a cat", video_id=f"video_{number}")
        await parts.register(f"video_{number}", callback_url="https://example.com/hook", timeout=100)
    await parts.live(119)
    simulator.clear_outage()
    await parts.live(1)
    assert set(column(tmp_path, "status")) == {"completed"}


async def test_after_a_day_of_downtime_everybody_is_looked_at_once_more(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    prompts = ["a cat", "a cat [fail]", "a cat [stuck]", "a cat [duration=100000]"]
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        for number, prompt in enumerate(prompts):
            provider.simulator.create(prompt, video_id=f"video_{number}")
            await parts.register(f"video_{number}", callback_url=hook, timeout=3600)
        await parts.live(0)
    await clock.advance(DAY)
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await parts.live(0)
    assert column(tmp_path, "status") == ["completed", "failed", "timed_out", "timed_out"]
    assert len(receiver.received) == 4


async def test_after_a_day_of_downtime_a_429_is_waited_for_and_is_not_the_last_look(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(rate=200)) as parts:
        for number in range(20):
            provider.simulator.create("a cat", video_id=f"video_{number}")
            await parts.register(f"video_{number}", callback_url=hook, timeout=3600)
    await clock.advance(DAY)
    provider.simulator.fault_next(slow_down(60))
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(rate=200)) as parts:
        await parts.live(61)
    assert set(column(tmp_path, "status")) == {"completed"}


async def test_a_look_under_way_is_waited_for_when_another_one_is_told_to_slow_down(
    parts: Parts, simulator: Simulator, tmp_path: Path, clock: ManualClock
) -> None:
    for name in ("a", "b"):
        simulator.create("a cat", video_id=name)
        await parts.register(name, callback_url="https://example.com/hook", timeout=5)
    await clock.advance(60)
    simulator.set_outage(slow_down(600))
    await parts.look()
    await clock.advance(600)
    slow, quick = await parts.poller.claim()
    simulator.clear_outage()
    answer = await parts.poller.work(slow)
    simulator.set_outage(slow_down(600))
    await parts.poller.record([await parts.poller.work(quick)])
    await parts.poller.record([answer])
    assert sorted(column(tmp_path, "status")) == ["completed", "timed_out"]


async def test_watches_of_a_provider_that_is_configured_no_more_give_up_in_time(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    async with open_parts(tmp_path, clock, {"former": provider.base_url}) as parts:
        provider.simulator.create("a cat [stuck]", video_id="video_1")
        await parts.register(callback_url=hook, timeout=100)
        await parts.live(50)
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await parts.live(40)
        assert column(tmp_path, "status") == ["watching"]
        await parts.live(40)
    assert column(tmp_path, "status") == ["timed_out"]
    assert [call.json["data"]["status"] for call in receiver.received] == ["in_progress"]


async def test_a_provider_that_is_configured_again_goes_on(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, hook: str
) -> None:
    provider.simulator.create("a cat", video_id="video_1")
    async with open_parts(tmp_path, clock, {"former": provider.base_url}) as parts:
        await parts.register(callback_url=hook)
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
        await parts.live(100)
    async with open_parts(tmp_path, clock, {"former": provider.base_url}) as parts:
        await parts.live(10)
    assert column(tmp_path, "status") == ["completed"]


async def test_a_provider_closed_for_long_again_and_again_holds_nobody_who_is_not_even_asked_about(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider
) -> None:
    provider.simulator.set_outage(slow_down(600))
    async with open_parts(tmp_path, clock, {"openai": provider.base_url}, Setting(room=1)) as parts:
        for number in range(5):
            await parts.register(f"video_{number}", callback_url="https://example.com/hook", timeout=100)
        await parts.live(599)
        assert set(column(tmp_path, "status")) == {"watching"}
        await parts.live(1)
    assert set(column(tmp_path, "status")) == {"timed_out"}
    assert asked(provider.simulator) == [0, 600]


async def test_a_paused_provider_that_answers_429_to_its_probes_holds_nobody_for_long(
    parts: Parts, simulator: Simulator, tmp_path: Path
) -> None:
    for number in range(20):
        await parts.register(f"video_{number}", callback_url="https://example.com/hook", timeout=100)
    simulator.fault_next(401)
    await parts.live(1)
    simulator.set_outage(slow_down(1))
    await parts.live(130)
    assert set(column(tmp_path, "status")) == {"timed_out"}
