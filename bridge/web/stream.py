"""A watch as server-sent events: what it shows now, then each change, until it has ended.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The id of an event stands for what the watch shows,
whichever process says so: whoever comes back with it hears nothing until that changes.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import ExitStack
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.models import WatchStatus, WatchView
from bridge.web import views
from bridge.web.changes import Changes
from bridge.web.health import Readiness
from bridge.web.waiting import disconnected

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = 15.0
"""After so many seconds of silence a comment is sent, so that nobody takes the connection for dead."""
RETRY_MS = 2000
"""How soon a client is asked to come back when the connection breaks, milliseconds."""

_HEADERS = {
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would hold the events back until there are many
}
_BEAT = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``progress`` while the watch goes on, then ``ended``."""

    id: str
    name: str
    data: str

    def encode(self) -> bytes:
        """The event as it is sent."""
        return f"id: {self.id}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


def event_of(watch: WatchView) -> Event:
    """The event that tells what a watch shows."""
    data = views.watch(watch).model_dump_json(ensure_ascii=True)  # one line, whatever the reader takes for a line break
    name = "progress" if watch.status is WatchStatus.WATCHING else "ended"
    return Event(f"{watch.status}-{hashlib.sha256(data.encode()).hexdigest()[:16]}", name, data)


def heard_the_end(watch: WatchView, last_id: str | None) -> bool:
    """Whether a client that comes back with this id was told already how the watch ended."""
    return watch.status is not WatchStatus.WATCHING and (last_id or "").startswith(f"{watch.status}-")


class WatchStream(Response):
    """The stream of one watch. It ends with the watch, when the client leaves, or when the server stops."""

    media_type = MEDIA_TYPE

    def __init__(
        self, watch: WatchView, last_id: str | None, changes: Changes, readiness: Readiness, place: ExitStack
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._watch = watch
        self._last_id = last_id
        self._changes = changes
        self._readiness = readiness
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        with self._place:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._stream(Request(scope, receive), send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, request: Request, send: Send) -> None:
        told = asyncio.ensure_future(self._tell(send))
        gone = asyncio.ensure_future(disconnected(request))
        stop = asyncio.ensure_future(self._readiness.stopped())
        try:
            await asyncio.wait({told, gone, stop}, return_when=asyncio.FIRST_COMPLETED)
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
        async with self._changes.follow(self._watch) as follower:
            while True:
                event = event_of(follower.watch)
                if event.id != self._last_id:
                    await write(event.encode())
                    self._last_id = event.id
                if event.name == "ended":
                    return
                while not await follower.changed(HEARTBEAT):
                    await write(_BEAT)
