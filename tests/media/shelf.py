"""A provider's files as a test wants them: one server that can be slow, short, wrong or gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

FILM = bytes(range(256)) * 1200
"""About 300 kB."""


@dataclass
class Shelf:
    """An ASGI app that hands out one file, with ranges and an ETag."""

    content: bytes = FILM
    media_type: str = "video/mp4"
    status: int = 200
    etag: str | None = '"film-1"'
    cut_after: int | None = None
    """So many bytes of a body are sent, then the connection is closed."""

    hold: asyncio.Event | None = None
    """Waited for after the first half of a body."""

    ranges: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(headers | {"path": scope["path"], "query": scope["query_string"].decode()})
        start, status = self._start(headers)
        body = self.content[start:]
        said = [(b"content-type", self.media_type.encode()), (b"content-length", str(len(body)).encode())]
        if self.etag is not None:
            said.append((b"etag", self.etag.encode()))
        if status == 206:
            said.append((b"content-range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}".encode()))
        await send({"type": "http.response.start", "status": status, "headers": said})
        half = len(body) // 2 if self.cut_after is None else self.cut_after
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        if self.hold is not None:
            await self.hold.wait()
        if self.cut_after is not None:
            scope["state"]["reset"]()
            return
        await send({"type": "http.response.body", "body": body[half:]})

    def _start(self, headers: dict[str, str]) -> tuple[int, int]:
        """Where to begin, and the status of that."""
        asked, same = headers.get("range", ""), headers.get("if-range")
        if self.status != 200 or not self.ranges or not asked or (same is not None and same != self.etag):
            return 0, self.status
        return int(asked.removeprefix("bytes=").partition("-")[0]), 206
