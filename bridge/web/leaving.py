"""Noticing that a client has left."""

from __future__ import annotations

from starlette.requests import Request


async def disconnected(request: Request) -> None:
    """Return when the client has closed the connection; what it still sends is of no interest."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
