"""Runs an ASGI app on a socket of our own, inside the running event loop, without touching the process's signals."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigurationError
from bridge.simulator.api import create_simulator
from bridge.simulator.settings import SimulatorSettings
from bridge.sockets import listening_socket

# Longer than any sensible poll interval, so that a keep-alive connection is not closed under a client about to use it.
_KEEP_ALIVE = 75
# How long an answer that was cut off may take to notice before its task is cancelled, seconds.
_CUT_GRACE = 0.1
_LAST_PORT = 65535


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a way to hang up: ``scope["state"]["reset"]()`` closes without an answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection and keep the means to drop it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "reset": transport.abort}


async def serve_simulator(
    settings: SimulatorSettings,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ready: Callable[[str], None],
    clock: Clock | None = None,
) -> None:
    """Run the simulator until the calling task is cancelled; then close everything and let the cancellation pass.

    It prints nothing and leaves the process's signals alone.

    :param port: 0 takes any free one.
    :param ready: called once, as soon as requests are taken, with the base URL for clients: ``http://host:port/v1``.
    :raises ConfigurationError: when the address cannot be listened on.
    """
    app = create_simulator(settings, clock or SystemClock())
    async with listening(app, host, port) as base_url:
        ready(f"{base_url}/v1")
        await asyncio.Event().wait()


@asynccontextmanager
async def listening(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    lifespan: Literal["auto", "on", "off"] = "off",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve ``app`` for as long as the block runs and yield its base URL, ``http://host:port`` without a path.

    At the end requests in flight are cut, not waited for.

    :param port: 0 takes any free one.
    :raises ConfigurationError: when the address cannot be listened on, or the app's lifespan refuses to start.
    """
    with _bind(host, port) as listener:
        server = uvicorn.Server(_config(app, lifespan))
        server.config.load()
        server.config.ssl = tls
        server.lifespan = server.config.lifespan_class(server.config)
        try:
            await server.startup(sockets=[listener])
        except SystemExit as error:  # uvicorn's way to say that the lifespan failed; its log has the traceback
            raise ConfigurationError("The application refused to start.") from error
        try:
            yield f"{'http' if tls is None else 'https'}://{_authority(host, listener)}"
        finally:
            await _stop(server)


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise ConfigurationError(f"A port is a number from 0 to {_LAST_PORT}, not {port}.")
    return listening_socket(host, port, by_host="`--host`", by_port="`--port`")


def _authority(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _config(app: ASGIApp, lifespan: Literal["auto", "on", "off"]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ResettableProtocol,
        ws="none",
        interface="asgi3",
        lifespan=lifespan,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
    )


async def _stop(server: uvicorn.Server) -> None:
    """Close the socket, cut what is in flight and end the app's lifespan.

    uvicorn's own ``shutdown`` waits for open answers, and a simulated hang never ends by itself.
    """
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    tasks = set(server.server_state.tasks)
    if tasks:
        _, deaf = await asyncio.wait(tasks, timeout=_CUT_GRACE)
        for task in deaf:
            task.cancel()
        await asyncio.gather(*deaf, return_exceptions=True)
    await server.lifespan.shutdown()
    # Closed transports report to their protocols on the loop's next turn.
    await asyncio.sleep(0)
