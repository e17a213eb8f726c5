"""Holding a request until its watch has ended, its client has left, or the server stops."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from bridge.models import WatchView
from bridge.web.leaving import disconnected
from bridge.web.services import Services


async def wait_for_end(services: Services, request: Request, watch_id: str, seconds: float) -> WatchView:
    """The watch once it has ended, or as it is after ``seconds`` or when the server stops.

    :raises NotFoundError: there is none of this id; :raises ClientDisconnect: nobody waits any more.
    """
    end = asyncio.ensure_future(services.registry.wait(watch_id, seconds))
    gone = asyncio.ensure_future(disconnected(request))
    stop = asyncio.ensure_future(services.readiness.stopped())
    try:
        await asyncio.wait({end, gone, stop}, return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            return end.result()
        if gone.done():
            raise ClientDisconnect
        return await services.registry.watch(watch_id)
    finally:
        for task in (end, gone, stop):
            task.cancel()
        await asyncio.gather(end, gone, stop, return_exceptions=True)
