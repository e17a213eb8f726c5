"""Real servers on loopback, inside the test's own event loop."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from bridge.clock import Clock, SystemClock
from bridge.simulator import Simulator, SimulatorSettings, create_simulator
from bridge.simulator.server import listening


@asynccontextmanager
async def running_server(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Run any ASGI app (with its lifespan) and yield its base URL, for example ``http://127.0.0.1:40123``.

    A port of 0 takes a free one; name a port to come back where a server was before. An app may call
    ``scope["state"]["reset"]()`` to close the connection without an answer. Whatever still hangs when the block ends
    is cut.
    """
    async with listening(app, host, port, lifespan="auto", tls=tls) as base_url:
        yield base_url


def http_client(**options: Any) -> httpx.AsyncClient:
    """A client for servers on this machine: without proxies, and patient.

    httpx alone gives up after five seconds, which a busy machine may need for itself.
    """
    return httpx.AsyncClient(**{"trust_env": False, "timeout": 30.0, **options})


@dataclass(frozen=True)
class SimulatedProvider:
    """A running simulator: where it listens (``…/v1``) and its inside."""

    base_url: str
    simulator: Simulator


@asynccontextmanager
async def running_simulator(
    settings: SimulatorSettings | None = None, clock: Clock | None = None
) -> AsyncIterator[SimulatedProvider]:
    """Run the simulator, by default with its default settings on the machine's clock."""
    app = create_simulator(settings or SimulatorSettings(), clock or SystemClock())
    async with running_server(app) as base_url:
        yield SimulatedProvider(f"{base_url}/v1", app.state.simulator)
