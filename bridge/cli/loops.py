"""Runs the long-lived commands: on the fast event loop where there is one, until a signal ends them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from bridge.signals import stopped_by_signals

if sys.platform == "win32":
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    from uvloop import new_event_loop

# The database's threads hold the interpreter's lock for moments only, but each wants it back from a busy event loop,
# which has to give it up after so long, seconds. Python's own 5 ms would add up over the statements of a transaction.
_SWITCH_INTERVAL = 0.0005


def run_service(work: Coroutine[Any, Any, None]) -> None:
    """Run something that ends by itself on SIGTERM and SIGINT."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)


def run_until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run something that never ends by itself until SIGTERM or SIGINT, which is a good end."""
    run_service(_until_signal(work))


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    with stopped_by_signals() as stop:
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        task.cancel()  # without effect on one that failed, whose error goes up
        with suppress(asyncio.CancelledError):
            await task
