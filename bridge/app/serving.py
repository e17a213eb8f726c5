"""Running a bridge until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection

from bridge import __version__
from bridge.app.collector import settle_collector
from bridge.app.composition import Bridge, open_bridge
from bridge.app.roles import ALL_ROLES, Role
from bridge.app.server import listen, make_server, url_of
from bridge.clock import Clock
from bridge.errors import ConfigurationError
from bridge.logs import Redactor, choose_format, configure_logs, get_logger
from bridge.metrics import Metrics
from bridge.settings import Settings, secret_values
from bridge.signals import stopped_by_signals
from bridge.store import held_by_another

# How long what is in flight may take to end once the order to stop came, seconds. The last answers, closing the
# database and leaving the interpreter come on top; on a busy machine they take seconds, and all must be over in 20.
STOP_GRACE = 16.0
_LAG_EVERY = 1.0

_log = get_logger("bridge.app")


async def serve(
    settings: Settings,
    *,
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
    roles: Collection[Role] = ALL_ROLES,
) -> None:
    """Run until SIGTERM or SIGINT (or ``stop``), then end what is in flight, at most 20 seconds.

    :param ready: called with the base URL once requests are taken; port 0 takes any free one.
    :param roles: what this process does; the rest is left to others on the same database.
    :param stop: set it to stop; with one of the caller's, signals are left alone.
    :raises ConfigurationError: something cannot work as configured: address in use, database, key.
    """
    configure_logs(choose_format(settings.log_format), settings.log_level, Redactor(secret_values(settings)))
    for warning in settings.warnings:
        _log.warning("configuration", message=warning)
    with (
        stopped_by_signals() if stop is None else contextlib.nullcontext(stop) as stopping,
        _listen(settings) as listener,
    ):
        async with open_bridge(settings, clock, roles) as bridge:
            await _run(bridge, listener, stopping, ready, settings.host)


def _listen(settings: Settings) -> socket.socket:
    """The socket to listen on, had before anything is opened or made.

    :raises ConfigurationError: it is not to be had; that another server uses the same file is said first.
    """
    try:
        return listen(settings.host, settings.port)
    except ConfigurationError as error:
        file = settings.database_file
        held = None if file is None else held_by_another(file.resolve())
        raise error if held is None else ConfigurationError(held, *error.problems) from error


async def _run(
    bridge: Bridge, listener: socket.socket, stop: asyncio.Event, ready: Callable[[str], None] | None, host: str
) -> None:
    """The server and the loops, side by side; when one of them dies, all stop and the error goes up."""
    server = make_server(bridge.web)
    tasks = {
        asyncio.create_task(server.serve(sockets=[listener]), name="server"),
        *(asyncio.create_task(loop.run(stop, STOP_GRACE), name=loop.name) for loop in bridge.loops),
    }
    stopped = asyncio.create_task(stop.wait(), name="stop")
    lag = asyncio.create_task(_measure_lag(bridge.metrics), name="lag")
    try:
        up = asyncio.create_task(server.up.wait(), name="up")
        await asyncio.wait({up, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        bridge.readiness.ready()
        settle_collector()
        _log.info("serving", url=url_of(host, listener), version=__version__)
        if ready is not None and server.up.is_set():
            ready(url_of(host, listener))
        await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        bridge.readiness.stop()
        stop.set()
        # The server goes last: until then it says that it is stopping, and answers who asks.
        await asyncio.wait({task for task in tasks if task.get_name() != "server"})
        server.should_exit = True
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        stopped.cancel()
        lag.cancel()
    for task, error in zip(tasks, ended, strict=True):
        if isinstance(error, BaseException):
            _log.critical("died", part=task.get_name(), exc_info=error)
            raise error


async def _measure_lag(metrics: Metrics) -> None:
    """Once a second, how much later than due the event loop came back."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_EVERY
        await asyncio.sleep(_LAG_EVERY)
        metrics.loop_lag(max(0.0, loop.time() - due))
