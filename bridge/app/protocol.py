"""HTTP as uvicorn speaks it, with bounds on what a client may send before anybody looks at it.

What the parser itself refuses is answered in the shape of every other refusal. ``scope["state"]["reset"]()`` closes the
connection at once, without what still waits to be sent.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bridge.web.errors import error_object
from bridge.web.headers import HEADERS

REQUEST_SECONDS = 30.0
"""How long a request, headers and body, may take to arrive."""

MAX_URL = 8 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024

_LARGE_HEADERS = (
    431,
    f"More than {MAX_HEADERS} headers, or {MAX_HEADER_BYTES // 1024} KiB of them.",
    "headers_too_large",
)


class RefusedError(Exception):
    """The request is refused while it is still being read."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses URLs and headers that are too long, and requests that take too long to arrive."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refusal: tuple[int, str, str] | None = None
        self._header_bytes = 0
        self._in_head = True
        self._understood = 0  # how often the parser told us anything …
        self._hoarded = 0  # … and how many bytes it took since, for a part that does not end
        self._arriving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected, and should say something soon."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "reset": self._reset}
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
        understood = self._understood
        super().data_received(data)
        # The parser keeps a header until it is whole, however long that gets.
        self._hoarded = self._hoarded + len(data) if self._understood == understood else 0
        if self._hoarded > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._give_up(*_LARGE_HEADERS)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._understood += 1
        self._header_bytes = 0
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the URL came."""
        self._understood += 1
        super().on_url(url)
        if len(self.url) > MAX_URL:
            self._refuse(414, f"The URL is longer than {MAX_URL // 1024} KiB.", "url_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came. One that follows the body is none of the request (RFC 9110, section 6.5.1), but counts."""
        self._understood += 1
        self._header_bytes += len(name) + len(value)
        if self._in_head:
            super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS or self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(*_LARGE_HEADERS)

    def on_headers_complete(self) -> None:
        """The body begins."""
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._understood += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._understood += 1
        self._arrived()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused."""
        status, message, code = self._refusal or (400, "This is not a valid HTTP/1.1 request.", "invalid_http")
        self._give_up(status, message, code)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: whoever asks for another protocol is answered in this one (RFC 9110, section 7.8).

        uvicorn would advise the operator, for each such request, to install a WebSocket library.
        """

    def _reset(self) -> None:
        # Otherwise the system would go on offering what it has to whoever takes nothing, for many minutes.
        with suppress(OSError):  # it may be gone by now
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

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
        if not self.transport.is_closing():
            message = f"The request did not arrive within {REQUEST_SECONDS:.0f} s."
            self._give_up(408, message, "request_timeout")

    def _give_up(self, status: int, message: str, code: str) -> None:
        """Close the connection, with the reason unless an answer is under way already."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # too late for another answer
            return
        self._answer(status, message, code)

    def _answer(self, status: int, message: str, code: str) -> None:
        body = json.dumps(error_object(message, "invalid_request_error", code=code)).encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-request-id": f"req_{secrets.token_hex(16)}",
            "connection": "close",
            "cache-control": "no-store",
            **HEADERS,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + body)
        self.transport.close()
