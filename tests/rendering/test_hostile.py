"""Templates of strangers who mean harm, in real processes, while the event loop goes on."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from bridge.rendering import Sandbox, Slot, TemplateError
from tests.rendering.helpers import COMPLETED, plain, resident, workers
from tests.rendering.hostile import ENDLESS, LARGE, REFUSED

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = plain(Slot.TEXT)
TICK = 0.002


class Stalls:
    """The longest time the event loop was busy with one thing, and how often it was free for another."""

    longest = 0.0
    ticks = 0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Stalls]:
    """Watch the event loop, by the time it had itself: what other programs take on a shared machine says nothing."""
    stalls = Stalls()

    async def tick() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(TICK)
            stalls.longest = max(stalls.longest, time.thread_time() - before)
            stalls.ticks += 1

    ticking = asyncio.create_task(tick())
    try:
        yield stalls
    finally:
        ticking.cancel()


async def reason_for(rendering: Awaitable[object]) -> str:
    with pytest.raises(TemplateError) as raised:
        await rendering
    return raised.value.reason


@pytest.mark.parametrize("name", REFUSED)
async def test_a_hostile_template_is_refused_at_once(sandbox: Sandbox, name: str) -> None:
    reason = await reason_for(sandbox.render(REFUSED[name], TEXT, COMPLETED))
    assert "takes longer" not in reason
    assert "had to be ended" not in reason


async def test_the_event_loop_goes_on_and_so_do_the_templates_of_others(brief_sandbox: Sandbox) -> None:
    await brief_sandbox.render("x", TEXT, COMPLETED)
    async with watched_loop() as stalls:
        endless = asyncio.gather(
            *(reason_for(brief_sandbox.render(template, TEXT, COMPLETED)) for template in ENDLESS.values())
        )
        good = brief_sandbox.render("{{ video.size }}", TEXT, COMPLETED)
        reasons, message = await asyncio.gather(endless, good)
    assert set(reasons) == {"it takes longer than 1 s"}
    assert message.parts == {"body": "1280x720"}
    assert stalls.longest < 0.05
    assert stalls.ticks > 50


@pytest.mark.parametrize("name", LARGE)
async def test_a_template_that_wants_too_much_memory_does_not_get_it(sandbox: Sandbox, name: str) -> None:
    reason = await reason_for(sandbox.render(LARGE[name], TEXT, COMPLETED))
    assert reason == "it needs more memory than it may have"
    assert (await sandbox.render("{{ video.size }}", TEXT, COMPLETED)).parts == {"body": "1280x720"}
    assert sys.platform != "linux" or max(map(resident, workers())) < 100_000
