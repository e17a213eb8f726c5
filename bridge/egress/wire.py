"""One HTTP/1.1 connection, carrying one exchange at a time."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import cast

import httptools
import httpx

from bridge.egress.failures import blamed
from bridge.models import Reason

MAX_HEAD = 100 * 1024
"""The most bytes of a reply's head, with what comes before it (1xx) and after the body (trailers)."""
MAX_FIELDS = 256
"""The most header fields of a reply, trailers included."""

# How much of a body lies here before the other side is no longer listened to, and how much is sent at once, bytes.
_HELD = 64 * 1024
_PIECE = 64 * 1024


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
        if self.method == b"HEAD" or (self.method == b"CONNECT" and status < 300):
            self.complete, self.keep = True, self._parser.should_keep_alive()
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


class Wire(asyncio.Protocol):
    """A connection, once a transport has been made with it.

    :param proxied: a proxy of ours is at its other end.
    :param deaf: it does not listen until TLS is made of it.
    """

    def __init__(self, *, proxied: bool = False, deaf: bool = False) -> None:
        self.transport: asyncio.Transport
        self._made = False
        self.proxied = proxied
        self.lost: Callable[[Wire], None] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle_since = 0.0
        self.used = 0
        self._waiter: asyncio.Future[None] | None = None
        self._unsent = True
        self._writable = True
        self._deaf = False
        self._deaf_at_first = deaf
        # There from the first moment: some answer before they are asked.
        self.exchange = Exchange(b"", proxied, self._wake)

    def begin(self, method: bytes) -> None:
        """Start an exchange; the one before must be complete."""
        if self.used:
            self.exchange = Exchange(method, self.proxied, self._wake)
        self.exchange.method = method
        self.used += 1
        self._unsent = True

    async def send(self, data: bytes, timeout: float | None = None) -> None:
        """Send the whole request, or as much of it as the other side wants before it answers.

        :raises httpx.WriteTimeout: it took nothing for so long, seconds.
        """
        for start in range(0, len(data), _PIECE):
            while not self._writable and not self._settled:
                await self._wait(timeout, httpx.WriteTimeout, "nobody reads what we send")
            if self._settled:
                return
            self.transport.write(data if len(data) <= _PIECE else data[start : start + _PIECE])
        self._unsent = False

    async def head(self, timeout: float | None = None) -> None:
        """Wait for the reply's head.

        :raises httpx.TransportError: there will be none, or not within so many seconds.
        """
        while not self.exchange.head:
            if self.exchange.failure is not None:
                raise self.exchange.failure
            await self._wait(timeout, httpx.ReadTimeout, "no answer")

    async def read(self, timeout: float | None = None) -> bytes:
        """The next bytes of the body; none at its end.

        :raises httpx.TransportError: it breaks off, or stops for so many seconds.
        """
        exchange = self.exchange
        while not exchange.held:
            if exchange.complete:
                return b""
            if exchange.failure is not None:
                raise exchange.failure
            if self._deaf:
                self._deaf = False
                self.transport.resume_reading()
            await self._wait(timeout, httpx.ReadTimeout, "the reply stalls")
        return exchange.take()

    def close(self) -> None:
        """Close at once; what is unsent is not sent."""
        if self._made:
            self.transport.abort()

    @property
    def closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return not self._made or self.transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether another exchange may begin."""
        exchange = self.exchange
        return exchange.complete and exchange.keep and not (self._unsent or self._deaf or self.closing)

    @property
    def disturbed(self) -> bool:
        """Whether something has come, an end perhaps, that the event loop has not told us of."""
        descriptor = self.transport.get_extra_info("socket").fileno()
        if not hasattr(select, "poll"):  # Windows
            return bool(select.select([descriptor], [], [], 0)[0])
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

    @property
    def _settled(self) -> bool:
        return self.exchange.head or self.exchange.failure is not None

    async def _wait(self, timeout: float | None, kind: type[httpx.TimeoutException], detail: str) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._waiter
        except TimeoutError as error:
            raise kind(detail) from blamed(Reason.TIMEOUT, detail, proxied=self.proxied, cause=error)
        finally:
            self._waiter = None

    def _stop_listening(self) -> None:
        """Leave what comes next with the system, and in time with the other side."""
        if not self.exchange.complete and not self._deaf:
            self._deaf = True
            self.transport.pause_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._made = True
        if self._deaf_at_first:
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        exchange = self.exchange
        if exchange.complete or exchange.failure is not None:
            self.close()  # nobody asked for them
            return
        exchange.feed(data)
        if exchange.held > _HELD:
            self._stop_listening()

    def eof_received(self) -> None:
        """The other side sends no more; asyncio closes."""
        self.exchange.ended()

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed."""
        if isinstance(error, ssl.SSLError):  # with TLS 1.3 a refused client certificate is first heard of here
            self.exchange.fail(httpx.ReadError, Reason.TLS, str(error))
        elif error is not None:
            self.exchange.fail(httpx.ReadError, Reason.RESET, "the connection was reset")
        else:
            self.exchange.ended()
        if not self.gone.done():
            self.gone.set_result(None)
        if self.lost is not None:
            self.lost(self)

    def pause_writing(self) -> None:
        """Enough is waiting to be sent."""
        self._writable = False

    def resume_writing(self) -> None:
        """More may be sent."""
        self._writable = True
        self._wake()
