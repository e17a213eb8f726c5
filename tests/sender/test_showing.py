from __future__ import annotations

from bridge.simulator import Simulator
from tests.parts import Parts
from tests.poller.test_progress import Rings


async def test_whoever_looks_on_hears_of_an_attempt(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    await parts.register(callback_url=hook)
    await parts.look()
    rings = Rings(parts.bells.progress)
    await parts.send()
    assert rings.rung()
    await parts.send()
    assert not rings.rung()
