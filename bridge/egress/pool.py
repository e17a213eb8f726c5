"""Connections: kept for the next request to the same place, shared out fairly, closed when anything went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import ExitStack
from typing import NamedTuple

import httpcore
import httpx

from bridge.egress.dialling import Dialler, Origin
from bridge.egress.failures import blamed
from bridge.egress.wire import Wire, within
from bridge.egress.writing import may_be_repeated, origin_of, written
from bridge.models import Reason

# Below what common servers grant an idle connection (nginx 75 s, Node 5 s), so that few are closed under a request.
_KEEPALIVE_EXPIRY = 4.0

Timeouts = Mapping[str, float | None]


class Head(NamedTuple):
    """What httpx reads of httpcore's responses. Those look at every header once more."""

    status: int
    headers: list[tuple[bytes, bytes]]
    stream: AsyncIterable[bytes]
    extensions: dict[str, object]


class Pool:
    """What httpx's transport asks for a reply, in place of httpcore's pool.

    A connection has one user at a time; if that one does not leave it ready for another it is closed, whatever the
    cause, cancelling included. A kept connection may be closed by the other side just when it is used again. Then the
    request is sent once more, on a new connection and within the same time, if it bears an id by which the receiver
    can tell. Bodies of requests have a known length.

    :param dialler: makes connections.
    :param most: connections, idle ones included; requests beyond that wait, first come, first served.
    """

    def __init__(self, dialler: Dialler, most: int) -> None:
        self._dialler = dialler
        self._most = most
        self._slots = asyncio.Semaphore(most)
        self._leased = 0
        self._open: set[Wire] = set()
        self._idle: dict[Wire, Origin] = {}  # idle for longest first
        self._idle_at: dict[Origin, list[Wire]] = {}  # the same, by origin
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def handle_async_request(self, request: httpcore.Request) -> Head:
        """Send a request; the reply's head is here, its body follows.

        Of ``extensions`` the ``timeout`` is kept, and ``leased`` is set in them once a connection is free.

        :raises httpx.TransportError: of the class httpx itself would raise.
        """
        origin = origin_of(request.url)
        message = await written(request, self._dialler.proxy)
        timeouts: Timeouts = request.extensions.get("timeout") or {}
        await self._lease(timeouts.get("pool"))
        request.extensions["leased"] = True
        wire = None
        try:
            wire = await self._answered(request, origin, message, timeouts)
        finally:
            if wire is None:
                self._free()
        exchange = wire.exchange
        stream: AsyncIterable[bytes]
        if exchange.complete:
            stream = _Whole(exchange.take())
            self.give_back(wire, origin)
        else:
            stream = _Body(self, wire, origin, timeouts.get("read"))
        return Head(exchange.status, exchange.headers, stream, {})

    def give_back(self, wire: Wire, origin: Origin) -> None:
        """Say that a connection has no user any more."""
        self._free()
        if not wire.reusable or self._closed:
            wire.close()
            return
        loop = asyncio.get_running_loop()
        wire.idle_since = loop.time()
        self._idle[wire] = origin
        self._idle_at.setdefault(origin, []).append(wire)
        if self._sweep is None:
            self._sweep = loop.call_later(_KEEPALIVE_EXPIRY, self._expire)

    async def aclose(self) -> None:
        """Close what is idle, and what is in use when it comes back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for wire in list(self._idle):
            self._drop(wire)
        for wire in [wire for wire in self._open if wire.closing]:
            await asyncio.shield(wire.gone)

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # Places

    async def _lease(self, timeout: float | None) -> None:
        try:
            async with within(timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            detail = "no connection became free"
            raise httpx.PoolTimeout(detail) from blamed(Reason.OWN_FAULT, detail, cause=error)
        self._leased += 1

    def _free(self) -> None:
        self._leased -= 1
        self._slots.release()

    def _take(self, origin: Origin) -> Wire | None:
        """The connection to ``origin`` that was used last, if there is an idle one."""
        idle = self._idle_at.get(origin)
        while idle:
            wire = idle[-1]
            self._forget(wire)
            if wire.reusable and not wire.disturbed:
                return wire
            wire.close()
        return None

    def _drop(self, wire: Wire) -> None:
        self._forget(wire)
        wire.close()

    def _forget(self, wire: Wire) -> None:
        origin = self._idle.pop(wire, None)
        if origin is not None:
            idle = self._idle_at[origin]
            idle.remove(wire)
            if not idle:
                del self._idle_at[origin]

    def _lost(self, wire: Wire) -> None:
        self._open.discard(wire)
        self._forget(wire)

    def _expire(self) -> None:
        """Close what was idle for too long, and come back when the next will have been."""
        self._sweep = None
        loop = asyncio.get_running_loop()
        for wire in list(self._idle):
            due = wire.idle_since + _KEEPALIVE_EXPIRY
            if due > loop.time():
                self._sweep = loop.call_at(due, self._expire)
                break
            self._drop(wire)

    # Requests

    async def _answered(self, request: httpcore.Request, origin: Origin, message: bytes, timeouts: Timeouts) -> Wire:
        """A connection with the head of the reply."""
        kept = self._take(origin)
        if kept is not None:
            try:
                await _ask(kept, request.method, message, timeouts)
            except httpx.TransportError:
                stale = kept.exchange.failure is not None and not kept.exchange.begun
                if not stale or not may_be_repeated(request):
                    raise
            else:
                return kept
        wire = await self._connected(origin, timeouts.get("connect"))
        await _ask(wire, request.method, message, timeouts)
        return wire

    async def _connected(self, origin: Origin, timeout: float | None) -> Wire:
        if len(self._idle) + self._leased > self._most:
            self._drop(next(iter(self._idle)))
        try:
            async with within(timeout):
                wire = await self._dialler.dial(origin, timeout)
        except TimeoutError as error:
            detail = f"no connection within {timeout:g} s"
            raise httpx.ConnectTimeout(detail) from blamed(Reason.TIMEOUT, detail, cause=error)
        if not wire.gone.done():
            self._open.add(wire)
            wire.lost = self._lost
        return wire


class _Whole:
    """The body of a reply that is here already, in one piece. httpx's own for that is a generator, which costs more."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data, self._data = self._data, b""
        if not data:
            raise StopAsyncIteration
        return data


class _Body:
    """The body of a reply as it comes in.

    :param timeout: the longest pause, seconds.
    """

    def __init__(self, pool: Pool, wire: Wire, origin: Origin, timeout: float | None) -> None:
        self._pool = pool
        self._wire: Wire | None = wire
        self._origin = origin
        self._timeout = timeout

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._wire is None:
            raise StopAsyncIteration
        with ExitStack() as undo:
            undo.callback(self._end)
            data = await self._wire.read(self._timeout)
            if not data:
                raise StopAsyncIteration
            undo.pop_all()
        return data

    async def aclose(self) -> None:
        """Want no more of it."""
        self._end()

    def _end(self) -> None:
        if self._wire is not None:
            self._pool.give_back(self._wire, self._origin)
            self._wire = None


async def _ask(wire: Wire, method: bytes, message: bytes, timeouts: Timeouts) -> None:
    """Send a request and wait for the head of its reply."""
    answered = False
    try:
        wire.begin(method)
        await wire.send(message, timeouts.get("write"))
        await wire.head(timeouts.get("read"))
        answered = True
    finally:
        if not answered:
            wire.close()
