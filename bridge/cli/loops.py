"""Runs the long-lived commands: on the fast event loop where there is one, until a signal ends them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

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
    with suppress(KeyboardInterrupt):  # where the loop cannot take signals
        run_service(_cancelled_by_signal(work))


async def _cancelled_by_signal(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, task.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await task
    finally:
        for number, handler in before.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)  # uvloop, when it is closed, leaves its own
