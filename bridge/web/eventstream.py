"""Server-sent events: an answer that goes on until it is told, the client leaves or stalls, or the server stops.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bridge.web.health import Readiness
from bridge.web.leaving import cut, disconnected

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = 15.0
"""After so many seconds of silence a comment is sent, so that nobody takes the connection for dead."""
RETRY_MS = 2000
"""How soon a client is asked to come back when the connection breaks, milliseconds."""
PATIENCE = 30.0
"""Who takes nothing for so many seconds is dropped, and goes on with ``Last-Event-ID`` when they come back."""

BEAT = b": still here\n\n"
_HEADERS = {
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would hold the events back until there are many
}

Write = Callable[[bytes], Awaitable[None]]


class _StalledError(Exception):
    """The client has taken nothing for very long."""


class EventStream(Response):
    """A stream of events; subclasses say which.

    :param place: held for as long as the stream is open.
    :param patience: seconds that one event may take to be sent.
    """

    media_type = MEDIA_TYPE

    def __init__(self, readiness: Readiness, place: ExitStack, *, patience: float = PATIENCE) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._readiness = readiness
        self._place = place
        self._patience = patience

    async def tell(self, write: Write) -> None:
        """Write all events; return when there will be no more."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        request = Request(scope, receive)

        async def patient(message: Message) -> None:
            try:
                async with asyncio.timeout(self._patience):
                    await send(message)
            except TimeoutError as error:
                raise _StalledError from error

        with self._place:
            try:
                await self._send(request, patient)
            except _StalledError:  # it is there, but takes nothing
                await cut(request)

    async def _send(self, request: Request, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if request.method != "HEAD":
            await self._stream(request, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, request: Request, send: Send) -> None:
        told = asyncio.ensure_future(self._tell(send))
        gone = asyncio.ensure_future(disconnected(request))
        stop = asyncio.ensure_future(self._readiness.stopped())
        try:
            await asyncio.wait({told, gone, stop}, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                self._patience = 0.0  # who cannot take the last piece at once must not hold up the stop
            if told.done():
                told.result()
        finally:
            for task in (told, gone, stop):
                task.cancel()
            await asyncio.gather(told, gone, stop, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        async def write(chunk: bytes) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

        await write(f"retry: {RETRY_MS}\n\n".encode())
        await self.tell(write)
