"""HTTP as uvicorn speaks it, with bounds on what a client may send before anybody looks at it.

What the parser itself refuses is answered in the shape of every other refusal.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bridge.web.errors import error_object

REQUEST_SECONDS = 30.0
"""How long a request, headers and body, may take to arrive."""

MAX_URL = 8 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024


class RefusedError(Exception):
    """The request is refused while it is still being read."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses URLs and headers that are too long, and requests that take too long to arrive."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refusal: tuple[int, str, str] | None = None
        self._header_bytes = 0
        self._arriving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected, and should say something soon."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request came."""
        if self.transport.is_closing():
            return
        self._await_request()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the URL came."""
        super().on_url(url)
        if len(self.url) > MAX_URL:
            self._refuse(414, f"The URL is longer than {MAX_URL // 1024} KiB.", "url_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if len(self.headers) > MAX_HEADERS or self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(
                431, f"More than {MAX_HEADERS} headers, or {MAX_HEADER_BYTES // 1024} KiB of them.", "headers_too_large"
            )

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._arrived()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused."""
        status, message, code = self._refusal or (400, "This is not a valid HTTP/1.1 request.", "invalid_http")
        self._answer(status, message, code)

    def _refuse(self, status: int, message: str, code: str) -> None:
        self._refusal = (status, message, code)
        raise RefusedError(message)  # the parser stops, and `send_400_response` is called

    def _await_request(self) -> None:
        if self._arriving is None:
            self._arriving = self.loop.call_later(REQUEST_SECONDS, self._too_slow)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _too_slow(self) -> None:
        self._arriving = None
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # too late for another answer
            return
        self._answer(408, f"The request did not arrive within {REQUEST_SECONDS:.0f} s.", "request_timeout")

    def _answer(self, status: int, message: str, code: str) -> None:
        body = json.dumps(error_object(message, "invalid_request_error", code=code)).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: req_{secrets.token_hex(16)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
