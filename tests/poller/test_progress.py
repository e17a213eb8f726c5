from __future__ import annotations

import pytest

from bridge.loops import Bell
from bridge.simulator import Simulator
from tests.clock import ManualClock
from tests.parts import Parts
from tests.poller.asking import asked


class Rings:
    """Listens to a bell."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._waiter = bell.waiter()

    def rung(self) -> bool:
        """Whether it was rung since the last time this was asked."""
        rung = self._waiter.done()
        self._waiter.cancel()
        self._waiter = self._bell.waiter()
        return rung


@pytest.fixture
async def rings(parts: Parts) -> Rings:
    return Rings(parts.bells.progress)


async def watched(parts: Parts, simulator: Simulator, prompt: str) -> None:
    simulator.create(prompt, video_id="video_1")
    await parts.register(callback_url="https://example.com/hook")


async def test_progress_is_rung_for(parts: Parts, simulator: Simulator, clock: ManualClock, rings: Rings) -> None:
    await watched(parts, simulator, "a cat [duration=10]")
    endings = Rings(parts.bells.watches)
    for _ in range(3):
        await parts.look()
        assert rings.rung()
        await clock.advance(3)
    assert not endings.rung()


async def test_a_look_that_shows_nothing_new_is_not(parts: Parts, simulator: Simulator, rings: Rings) -> None:
    await watched(parts, simulator, "a cat [stuck=queued]")
    await parts.live(5)
    assert rings.rung()
    looks = len(asked(simulator))
    await parts.live(60)
    assert len(asked(simulator)) > looks
    assert not rings.rung()


async def test_trouble_is_not_rung_for(parts: Parts, simulator: Simulator, rings: Rings) -> None:
    await watched(parts, simulator, "a cat")
    simulator.set_outage(500)
    await parts.live(10)
    assert not rings.rung()


async def test_the_end_is_rung_for_both(parts: Parts, simulator: Simulator, rings: Rings) -> None:
    await watched(parts, simulator, "a cat [duration=0]")
    endings = Rings(parts.bells.watches)
    await parts.look()
    assert rings.rung()
    assert endings.rung()


async def test_cancelling_is_rung_for(parts: Parts, rings: Rings) -> None:
    registered = await parts.register(callback_url="https://example.com/hook")
    await parts.registry.cancel(registered.watch.id)
    assert rings.rung()
