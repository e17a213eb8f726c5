"""Noticing that a client has left, or having it leave."""

from __future__ import annotations

from starlette.requests import Request


async def disconnected(request: Request) -> None:
    """Return when the client has closed the connection; what it still sends is of no interest."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def cut(request: Request) -> None:
    """Close the connection without what still waits to be sent: to whoever takes nothing, it would wait for ever.

    ASGI knows no way for that; the server has one in its state (:mod:`bridge.app.protocol`).
    """
    request.scope["state"]["reset"]()
    await disconnected(request)
