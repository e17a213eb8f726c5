"""Whether an event loop stayed free while something else was going on."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TICK = 0.002
LONGEST = 0.05
"""The longest an event loop may be busy with one thing, seconds."""


class Stalls:
    """The longest time the event loop was busy with one thing, seconds; and how often it was free for another."""

    longest = 0.0
    ticks = 0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Stalls]:
    """Watch the event loop, by the processor time its thread takes between two ticks.

    Not by the clock on the wall: what other programs take on a shared machine says nothing. What the test runner
    holds is kept from the garbage collector meanwhile, for the same reason.
    """
    stalls = Stalls()

    async def tick() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(TICK)
            stalls.longest = max(stalls.longest, time.thread_time() - before)
            stalls.ticks += 1

    gc.collect()
    gc.freeze()
    ticking = asyncio.create_task(tick())
    try:
        yield stalls
        seen = stalls.ticks
        while stalls.ticks == seen:  # so that what was done last counts, too
            await asyncio.sleep(0)
    finally:
        ticking.cancel()
        gc.unfreeze()
