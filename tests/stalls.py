"""Whether an event loop stayed free while something else was going on."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

TICK = 0.002
LONGEST = 0.05
"""The longest an event loop may be busy with one thing, seconds."""


class Stalls:
    """The longest time the event loop was busy with one thing, seconds; and how often it was free for another."""

    longest = 0.0
    ticks = 0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Stalls]:
    """Watch the event loop, by the processor time its thread takes for each thing it does.

    Not by the clock on the wall: what other programs take on a shared machine says nothing. Nor from one round of the
    loop to the next: after the machine was held up, many things are due in one. What the test runner holds is kept
    from the garbage collector meanwhile, for the same reason.
    """
    stalls = Stalls()
    do = asyncio.Handle._run

    def watched(thing: asyncio.Handle) -> None:
        before = time.thread_time()
        do(thing)
        stalls.longest = max(stalls.longest, time.thread_time() - before)

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK)
            stalls.ticks += 1

    gc.collect()
    gc.freeze()
    ticking = asyncio.create_task(tick())
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(asyncio.Handle, "_run", watched)
            yield stalls
            seen = stalls.ticks
            while stalls.ticks == seen:  # so that what was done last counts, too
                await asyncio.sleep(0)
    finally:
        ticking.cancel()
        gc.unfreeze()
