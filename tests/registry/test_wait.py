"""Waiting for a watch to end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.errors import NotFoundError
from bridge.models import WatchStatus
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts, asleep, sql


async def test_a_watch_that_ended_is_answered_at_once(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.look()
    assert (await parts.registry.wait(registered.watch.id, 60)).status is WatchStatus.COMPLETED


async def test_without_patience_the_answer_is_the_present_state(parts: Parts) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    assert (await parts.registry.wait(registered.watch.id, 0)).status is WatchStatus.WATCHING


async def test_the_end_of_a_video_wakes_who_waits_for_it(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    waiting = asyncio.create_task(parts.registry.wait(registered.watch.id, 60))
    await asleep(parts)
    assert not waiting.done()
    await parts.look()
    assert (await waiting).status is WatchStatus.COMPLETED


async def test_cancelling_a_watch_wakes_who_waits_for_it(parts: Parts) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    waiting = asyncio.create_task(parts.registry.wait(registered.watch.id, 60))
    await asleep(parts)
    await parts.registry.cancel(registered.watch.id)
    assert (await waiting).status is WatchStatus.CANCELLED


async def test_patience_has_its_end(parts: Parts, clock: ManualClock) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    waiting = asyncio.create_task(parts.registry.wait(registered.watch.id, 5))
    for _ in range(5):
        await asleep(parts)
        assert not waiting.done()
        await clock.advance(1)
    assert (await waiting).status is WatchStatus.WATCHING


async def test_what_another_process_does_is_noticed_within_seconds(
    parts: Parts, clock: ManualClock, tmp_path: Path
) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    waiting = asyncio.create_task(parts.registry.wait(registered.watch.id, 60))
    await asleep(parts)
    sql(tmp_path, "UPDATE watches SET status = 'completed'")
    await clock.advance(2)
    assert (await waiting).status is WatchStatus.COMPLETED


async def test_another_watch_ending_does_not_end_the_wait(parts: Parts, clock: ManualClock) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    other = await parts.register(callback_url="https://example.com/hook", key="other")
    waiting = asyncio.create_task(parts.registry.wait(registered.watch.id, 60))
    await asleep(parts)
    await parts.registry.cancel(other.watch.id)
    await asleep(parts)
    assert not waiting.done()
    waiting.cancel()


async def test_an_unknown_watch_is_not_waited_for(parts: Parts) -> None:
    with pytest.raises(NotFoundError):
        await parts.registry.wait("watch_nobody", 60)
