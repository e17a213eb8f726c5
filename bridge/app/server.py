"""The HTTP server on its socket: uvicorn, without its hands on the signals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from bridge.app.protocol import BoundedProtocol
from bridge.sockets import listening_socket

# How long answers that are being sent when the server stops may take, seconds.
_LAST_ANSWERS = 2


class Server(uvicorn.Server):
    """uvicorn without its hands on the signals: it would raise SIGTERM again after a clean stop.

    ``up`` is set once requests are taken.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs it."""
        yield


def make_server(web: Starlette) -> Server:
    """A server for this application, to be run on a socket of the caller's."""
    return Server(
        uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            http=BoundedProtocol,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_LAST_ANSWERS,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; the caller closes it.

    :raises ConfigurationError: the address is in use or not this machine's.
    """
    return listening_socket(
        host,
        port,
        prefix="BRIDGE_HOST, BRIDGE_PORT: cannot",
        by_host="`--host` or BRIDGE_HOST",
        by_port="`--port` or BRIDGE_PORT",
    )


def url_of(host: str, listener: socket.socket) -> str:
    """Where the server is reached."""
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
