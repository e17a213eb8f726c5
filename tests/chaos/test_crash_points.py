"""Every step of registering, looking and sending is cut once; a new process takes over, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

import pytest
from starlette.responses import Response

from bridge.ids import event_id
from bridge.models import EventType
from bridge.poller.loop import LEASE
from bridge.simulator import Simulator
from tests.chaos import FULL
from tests.chaos.cutting import Died, Life, mortal
from tests.clock import ManualClock
from tests.parts import Parts, Setting, kind, open_parts
from tests.receiver import Receiver
from tests.servers import SimulatedProvider

__all__ = ["kind"]  # each of these tests is run on both databases

ENDS = {"good": ("[duration=3]", EventType.VIDEO_COMPLETED), "bad": ("[duration=4] [fail]", EventType.VIDEO_FAILED)}
RETRIES = (5.0,) * 5
# `make chaos` cuts each step, `make system-test` every seventh, `make test` some.
STRIDE = 1 if FULL else 7
SOME = 29


async def job(parts: Parts, run: int, hook: str) -> set[tuple[str, str]]:
    """Register two videos for two destinations each and let everything happen; who must be told of which event."""
    due = set()
    for name, (_, event) in ENDS.items():
        second = [{"kind": "callback", "url": f"{hook}/second"}]
        watch = (await parts.register(f"{name}_{run}", callback_url=f"{hook}/first", destinations=second)).watch
        due |= {(path, event_id(watch.id, event)) for path in ("/hook/first", "/hook/second")}
    await parts.live(20)
    return due


async def live(folder: Path, clock: ManualClock, provider: SimulatedProvider, run: int, hook: str, life: Life) -> None:
    """One process doing the job until it dies. What it had under way is gone with it, and nothing is cleaned up."""
    database, door = mortal(life)
    setting = Setting(retries=RETRIES, database=database, door=door, alone=False)
    try:
        async with open_parts(folder, clock, {"openai": provider.base_url}, setting) as parts:
            await job(parts, run, hook)
    except Died:
        pass
    for task in asyncio.all_tasks():
        if task.get_name().endswith("-work"):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("stride", [pytest.param(STRIDE, marks=pytest.mark.system), SOME])
@pytest.mark.timeout(900 if FULL else 120)
async def test_whatever_step_is_cut_every_end_is_told_and_always_in_the_same_words(
    tmp_path: Path,
    clock: ManualClock,
    provider: SimulatedProvider,
    simulator: Simulator,
    receiver: Receiver,
    hook: str,
    stride: int,
) -> None:
    # Every third request is refused, so that retries are among the steps.
    receiver.refuse = lambda: Response(status_code=503) if len(receiver.received) % 3 == 1 else None
    clean, run, lives = Life(), 0, 0
    while run == 0 or run <= len(clean.taken):
        for name, (prompt, _) in ENDS.items():
            simulator.create(prompt, video_id=f"{name}_{run}")
        # The first life is a whole one and counts the steps; each other one ends a step later than the one before.
        await live(tmp_path, clock, provider, run, hook, clean if run == 0 else Life(run - 1))
        successor = Setting(retries=RETRIES, alone=False)
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}, successor) as parts:
            due = await job(parts, run, hook)  # whoever got no answer asks again
            await parts.live(LEASE + 60)
        accepted = {(call.path, call.id) for call in receiver.accepted}
        assert due <= accepted, f"lost after {run - 1} steps: {clean.taken[run - 2 : run]}"
        lives += 1
        run += stride
    bodies = defaultdict(set)
    for call in receiver.received:
        bodies[call.id].add(call.body)
    assert {len(each) for each in bodies.values()} == {1}
    assert len(bodies) == 2 * lives
    assert len(clean.taken) > 30
