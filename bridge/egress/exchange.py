"""One reply as it comes in, read by httptools, within bounds."""

from __future__ import annotations

from collections.abc import Callable

import httptools
import httpx

from bridge.egress.failures import blamed
from bridge.models import Reason

MAX_HEAD = 100 * 1024
"""The most bytes of a reply's head, with what comes before it (1xx) and after the body (trailers)."""
MAX_FIELDS = 256
"""The most header fields of a reply, trailers included."""


class Exchange:
    """What is known of the reply to one request; httptools calls the ``on_`` methods.

    :param method: of the request; it decides whether a body follows.
    :param proxied: who answers is a proxy of ours, and what goes wrong our own fault.
    :param wake: called whenever there is something new.
    """

    def __init__(self, method: bytes, proxied: bool, wake: Callable[[], None]) -> None:
        self.method = method
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.begun = False  # a byte has come
        self.head = False  # the head is whole
        self.complete = False  # so is the reply
        self.keep = False  # and another may follow
        self.failure: httpx.TransportError | None = None
        self.held = 0
        self._chunks: list[bytes] = []
        self._proxied = proxied
        self._wake = wake
        self._head_size = self._fields = 0
        self._parser = httptools.HttpResponseParser(self)
        # What h11, and so httpx, takes too. It cannot smuggle a second reply in: a connection has one request at a
        # time, and is closed when more comes than that asked for.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_chunked_length=True, lenient_optional_cr_before_lf=True
        )

    def feed(self, data: bytes) -> None:
        """Read on."""
        self.begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.keep = False
            if not self.complete:
                self.fail(httpx.RemoteProtocolError, Reason.BAD_REPLY, str(error) or "not HTTP")
        if not self.head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self.fail(httpx.RemoteProtocolError, Reason.BAD_REPLY, "the head of the reply is too long")

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self.held = 0
        return data

    def fail(self, kind: type[httpx.TransportError], reason: Reason, detail: str) -> None:
        """Note what ended it, unless that is known already."""
        if self.failure is None and not self.complete:
            self.failure = kind(detail)
            self.failure.__cause__ = blamed(reason, detail, proxied=self._proxied)
            self._wake()

    def ended(self) -> None:
        """The other side has sent its last byte."""
        if self.head and not self._is_framed():
            self.complete = True
            self._wake()
        elif not self.begun:
            self.fail(httpx.RemoteProtocolError, Reason.RESET, "the connection was closed without an answer")
        elif not self.head:
            self.fail(httpx.RemoteProtocolError, Reason.BAD_REPLY, "the reply breaks off in its head")
        else:
            self.fail(httpx.RemoteProtocolError, Reason.RESET, "the reply breaks off in its body")

    def on_message_begin(self) -> None:
        """A reply begins, or one after the last."""
        if self.complete:
            self._refuse("a reply nobody asked for")
        self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of what follows the body."""
        self._head_size += len(name) + len(value)
        self._fields += 1
        if self._fields > MAX_FIELDS or self._head_size > MAX_HEAD:
            self._refuse("the head of the reply is too long")
        if not self.head:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: of the reply, or of one that says there will be one."""
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                self._refuse(f"status {status} makes no sense")
            return
        self.status = status
        self.head = True
        if self.method == b"HEAD":
            self.complete, self.keep = True, self._parser.should_keep_alive()
        elif self.method == b"CONNECT" and status < 300:
            self.complete, self.keep = True, True  # what follows is the tunnel
        self._wake()

    def on_body(self, chunk: bytes) -> None:
        """Bytes of the body."""
        if self.complete:
            self._refuse("more than the whole reply")
        self._chunks.append(chunk)
        self.held += len(chunk)
        self._wake()

    def on_message_complete(self) -> None:
        """The reply is whole."""
        if self.head and not self.complete:
            self.complete, self.keep = True, self._parser.should_keep_alive()
            self._wake()

    def _refuse(self, why: str) -> None:
        self.keep = False
        self.fail(httpx.RemoteProtocolError, Reason.BAD_REPLY, why)
        raise ValueError(why)  # stops the parser

    def _is_framed(self) -> bool:
        """Whether the body says where it ends, so that the connection's end is not it."""
        fields = {name.lower(): value.lower() for name, value in self.headers}
        coding = fields.get(b"transfer-encoding")
        return b"content-length" in fields if coding is None else coding.endswith(b"chunked")
