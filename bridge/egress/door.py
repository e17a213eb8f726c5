"""The door every outgoing request leaves through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import lru_cache
from typing import cast

import httpx

from bridge import __version__
from bridge.egress.addresses import REMEDY, AddressPolicy
from bridge.egress.body import BoundedBody
from bridge.egress.dialling import Dialler
from bridge.egress.failures import translated
from bridge.egress.messages import OutgoingRequest, Reply, StreamedReply
from bridge.egress.resolver import Resolver, SystemResolver
from bridge.egress.transport import CheckedTransport, FilePath, make_proxy, make_ssl_context
from bridge.egress.urls import literal_address
from bridge.errors import BlockedAddressError, EgressError
from bridge.models import Reason

MAX_REPLY = 2**20
"""How much of a reply is read unless the caller says otherwise, bytes."""

MAX_CONNECTIONS = 160
"""How many requests are under way at most unless whoever makes the door says otherwise; both loops begin fewer."""

MAX_PAUSE = 30.0
"""How long the body of a streamed reply may pause unless the caller says otherwise, seconds."""

# They belong to the connection and to how a body is framed on it, which is decided here (RFC 9110, section 7.6.1).
_OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_DEFAULTS = {"user-agent": f"video-bridge/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Door:
    """Sends single requests, to addresses its policy accepts.

    No redirect is followed, no cookie kept, no environment variable read. Nothing is tried twice, but for a request
    that bears a ``webhook-id`` or ``idempotency-key`` and met a kept connection just as that was closed. A connection
    may be used again for the same scheme, host and port: its address was checked when it was dialled.

    :param policy: which addresses may be dialled.
    :param resolver: how names become addresses; by default the system's, on threads of its own.
    :param ca_file: PEM file with trust roots beside certifi's.
    :param client_cert: PEM file with a certificate and its key, to identify with.
    :param proxy: URL of an HTTP proxy. It then resolves names and vets addresses; its faults are ``own_fault``.
    :param max_connections: requests at once; more wait as long as their deadline allows.
    :raises ConfigurationError: a file or the proxy cannot be used.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolver: Resolver | None = None,
        ca_file: FilePath | None = None,
        client_cert: FilePath | None = None,
        proxy: str | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._policy = policy
        self._own_resolver = SystemResolver()
        ssl_context = make_ssl_context(ca_file, client_cert)
        self._proxy = None if proxy is None else make_proxy(proxy)
        dialler = Dialler(policy, resolver or self._own_resolver, ssl_context, self._proxy)
        self._transport = CheckedTransport(dialler, ssl_context, max_connections)

    async def send(self, request: OutgoingRequest, *, timeout: float, max_reply: int = MAX_REPLY) -> Reply:
        """Send one request and read its reply, of whatever status.

        Once the reply's head is here its body is best-effort: where it breaks off, ``body_error`` says why.

        :param timeout: one deadline over waiting for a free connection, connecting, head and body, seconds.
        :param max_reply: the most bytes of body to read, counted after decompression.
        :raises BlockedAddressError: the host has an address that may not be dialled.
        :raises EgressError: there was no reply.
        """
        reading = _Reading(max_reply)
        outgoing = self._prepare(request, timeout)
        try:
            async with asyncio.timeout(timeout):
                response = await self._answer(outgoing)
                try:
                    await reading.read(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            reading.broke_off(_too_late(outgoing, timeout), error)
        return reading.reply()

    @asynccontextmanager
    async def stream(
        self, request: OutgoingRequest, *, timeout: float, idle: float = MAX_PAUSE
    ) -> AsyncIterator[StreamedReply]:
        """Send one request and hand its reply on as it comes in, of whatever status and however long.

        The body is as it was sent: nothing is decoded, kept or counted. No more of it is read than the reader takes. A
        streamed reply holds one of the connections of this door until the block is left.

        :param timeout: one deadline over waiting for a free connection, connecting and the reply's head, seconds.
        :param idle: the longest pause in the body, seconds; the reader's own pauses do not count.
        :raises BlockedAddressError: the host has an address that may not be dialled.
        :raises EgressError: there was no reply, or, in the midst of reading it, its body breaks off.
        """
        outgoing = self._prepare(request, timeout)
        try:
            async with asyncio.timeout(timeout):
                response = await self._answer(outgoing)
        except TimeoutError as error:
            raise _too_late(outgoing, timeout) from error
        try:
            async with aclosing(_chunks(response, idle)) as chunks:
                yield StreamedReply(response.status_code, _headers(response), chunks)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close all connections; those in use when their request ends."""
        await self._transport.aclose()
        await self._own_resolver.aclose()

    def _prepare(self, request: OutgoingRequest, timeout: float) -> httpx.Request:
        with translated():
            outgoing = _build(request, timeout)
        if self._proxy is not None:
            # The proxy resolves and vets names; an address that needs no resolving is judged here all the same.
            host = outgoing.url.raw_host.decode("ascii")
            address = literal_address(host)
            refusal = address and self._policy.refusal(address, plain=outgoing.url.scheme == "http")
            if refusal:
                raise BlockedAddressError(f"{host}: {refusal}; {REMEDY}")
        return outgoing

    async def _answer(self, outgoing: httpx.Request) -> httpx.Response:
        with translated():
            response = await self._transport.handle_async_request(outgoing)
        if self._proxy is not None and response.status_code == 407:
            await response.aclose()
            raise EgressError(Reason.OWN_FAULT, "the proxy does not accept our credentials")
        return response


class _Reading:
    """One request under way: what is known of its reply at any moment it may be interrupted.

    :param limit: the most bytes of body to keep.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._began = asyncio.get_running_loop().time()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: BoundedBody | None = None
        self._body_error: Reason | None = None

    async def read(self, response: httpx.Response) -> None:
        """Take in a reply: its head is here, its body follows as far as it will."""
        self._status = response.status_code
        self._headers = _headers(response)
        self._body = body = BoundedBody(self._headers.get("content-encoding", ""), self._limit)
        try:
            with translated():
                async for chunk in cast(AsyncIterable[bytes], response.stream):
                    if not body.feed(chunk):
                        return
            body.finish()
        except EgressError as error:
            self._body_error = error.reason

    def broke_off(self, failure: EgressError, cause: Exception) -> None:
        """Note what ended the exchange early.

        :raises EgressError: ``failure``, when there is no reply to note it in.
        """
        if self._body is None:
            raise failure from cause
        self._body_error = failure.reason

    def reply(self) -> Reply:
        """The reply, as far as it was read."""
        body = self._body or BoundedBody("", 0)
        return Reply(
            self._status,
            self._headers,
            body.content,
            truncated=body.truncated or self._body_error is not None,
            body_error=self._body_error,
            duration=asyncio.get_running_loop().time() - self._began,
        )


def _build(request: OutgoingRequest, timeout: float) -> httpx.Request:
    """The request as httpx would make it, for half the price: it writes every header several times over."""
    url = _read_url(request.url)
    given = {name.lower(): value for name, value in request.headers.items()}
    given = {name: value for name, value in given.items() if name not in _OWN_HEADERS}
    try:
        headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in (_DEFAULTS | given).items()]
    except UnicodeEncodeError as error:
        raise EgressError(Reason.RENDER, "a header holds characters that cannot be sent") from error
    if "host" not in given:
        headers.insert(0, (b"Host", url.netloc))
    if request.body or request.method in _WITH_BODY:
        headers.append((b"Content-Length", b"%d" % len(request.body)))
    # The deadline is the caller's; who dials only wants to know how to share it among several addresses.
    extensions = {"timeout": {"connect": timeout}}
    return httpx.Request(
        request.method, url, headers=headers, stream=httpx.ByteStream(request.body), extensions=extensions
    )


@lru_cache(maxsize=1024)
def _read_url(url: str) -> httpx.URL:
    """A URL as httpx reads it: a tenth of what a request costs, and most go where others went before."""
    return httpx.URL(url)


def _headers(response: httpx.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _chunks(response: httpx.Response, idle: float) -> AsyncGenerator[bytes, None]:
    stream = aiter(cast(AsyncIterable[bytes], response.stream))
    try:
        with translated():
            while True:
                async with asyncio.timeout(idle):
                    chunk = await anext(stream, b"")
                if not chunk:
                    return
                yield chunk
    except TimeoutError as error:
        raise EgressError(Reason.TIMEOUT, f"the reply paused for {idle:g} s") from error


def _too_late(outgoing: httpx.Request, timeout: float) -> EgressError:
    if outgoing.extensions.get("leased"):
        return EgressError(Reason.TIMEOUT, f"{outgoing.url.host}: no reply within {timeout:g} s")
    return EgressError(Reason.OWN_FAULT, f"no connection became free within {timeout:g} s")
