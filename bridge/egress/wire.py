"""One HTTP/1.1 connection, carrying one exchange at a time."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import cast

import httpx

from bridge.egress.exchange import Exchange
from bridge.egress.failures import blamed
from bridge.models import Reason

# How much of a body lies here before the other side is no longer listened to, and how much is sent at once, bytes.
_HELD = 64 * 1024
_PIECE = 64 * 1024
_UNHURRIED = nullcontext()


def within(timeout: float | None) -> AbstractAsyncContextManager[object]:
    """``asyncio.timeout``, which has its price also where there is no timeout."""
    return _UNHURRIED if timeout is None else asyncio.timeout(timeout)


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
            async with within(timeout):
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
