"""Dialling: resolve, check every address, connect to a checked one, and be sure who answers.

The pool asks for a connection to a *name* and gets one to an address that was checked a moment before. What is dialled
is the address itself; nothing resolves the name a second time, so an answer that changes in between changes nothing.
TLS comes on top and verifies the name. Errors leave here with the reason they stand for, because only here it is known
whether the name, the address, the certificate, the other side or our own machine was at fault.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import httpx

from bridge.egress.addresses import REMEDY, AddressPolicy, IPAddress
from bridge.egress.failures import blamed
from bridge.egress.resolver import Resolver
from bridge.egress.urls import literal_address
from bridge.egress.wire import Wire
from bridge.errors import BlockedAddressError, EgressError
from bridge.models import Reason

Connect = Callable[[Wire, IPAddress, int, float | None], Awaitable[None]]
"""Connects a wire to one address and port within so many seconds. Raises OSError."""

# No route, no port, no descriptor, no buffer: faults of this machine.
_OWN_ERRNOS = frozenset(
    {errno.ENETUNREACH, errno.ENETDOWN, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)
# Of several failures the one that says most about the other side.
_TELLING = (Reason.CONNECT, Reason.TIMEOUT, Reason.OWN_FAULT)
# A name may list hundreds of addresses; we are nobody's means to knock at them all.
_MOST_DIALLED = 8


class Origin(NamedTuple):
    """What a connection is good for: one scheme, host (ASCII, as in the URL) and port."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    :param origin: where it is; ``https`` when it is to be spoken to through TLS.
    :param authorization: the value of the ``Proxy-Authorization`` it wants, if any.
    """

    origin: Origin
    authorization: bytes | None = field(default=None, repr=False)


class Dialler:
    """Connects only to addresses its policy accepts.

    :param proxy: where connections go instead; it then resolves names and vets addresses, and its faults are ours.
    :param connect: connects to one address.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        resolver: Resolver,
        ssl_context: ssl.SSLContext,
        proxy: Proxy | None = None,
        connect: Connect | None = None,
    ) -> None:
        self._policy = policy if proxy is None else AddressPolicy(anywhere=True)
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._connect = connect_wire if connect is None else connect
        self.proxy = proxy

    async def dial(self, origin: Origin, timeout: float | None = None) -> Wire:
        """A connection that is ready for requests to ``origin``.

        :param timeout: seconds to share among several addresses; keeping it as a whole is the caller's.
        :raises httpx.TransportError: there is none to be had.
        """
        proxy = self.proxy
        first = origin if proxy is None else proxy.origin
        # What is to be TLS is not listened to before TLS is there to listen.
        wire = Wire(proxied=proxy is not None, deaf=first.scheme == "https")
        with ExitStack() as undo:
            undo.callback(wire.close)
            await self._open(wire, first, timeout)
            if first.scheme == "https":
                await self._secure(wire, first.host)
            if proxy is not None and origin.scheme == "https":
                await _ask_for_tunnel(wire, origin, proxy)
                wire.proxied = False
                await self._secure(wire, origin.host)
            undo.pop_all()
        return wire

    async def _open(self, wire: Wire, origin: Origin, timeout: float | None) -> None:
        try:
            addresses = await self._addresses(origin)
            await self._reach(wire, addresses, origin, timeout)
        except EgressError as error:
            known = error
            if wire.proxied:
                known = EgressError(Reason.OWN_FAULT, f"the proxy cannot be reached: {error.detail}")
            kind = httpx.ConnectTimeout if error.reason is Reason.TIMEOUT else httpx.ConnectError
            raise kind(known.detail) from known

    async def _addresses(self, origin: Origin) -> Sequence[IPAddress]:
        host = origin.host
        literal = literal_address(host)
        addresses = [literal] if literal is not None else await self._resolver.resolve(host, origin.port)
        if not addresses:
            raise EgressError(Reason.DNS, f"{host} has no address")
        for address in addresses:
            # One bad answer refuses the name: else a list of good and bad ones would be a way to try them all.
            refusal = self._policy.refusal(address, plain=origin.scheme == "http")
            if refusal is not None:
                raise BlockedAddressError(f"{host}: {refusal}; {REMEDY}")
        return addresses

    async def _reach(self, wire: Wire, addresses: Sequence[IPAddress], origin: Origin, timeout: float | None) -> None:
        failures: list[EgressError] = []
        tried = addresses[:_MOST_DIALLED]
        # A share for each, so that a dead first address leaves time for the second, and a dead proxy is noticed as
        # such before the deadline of the whole request.
        shares = len(tried) + (1 if wire.proxied else 0)
        for address in tried:
            try:
                share = None if timeout is None or shares == 1 else timeout / shares
                await self._connect(wire, address, origin.port, share)
            except OSError as error:
                failures.append(_failure(address, error))
            else:
                return
        reason = min((failure.reason for failure in failures), key=_TELLING.index)
        said = "; ".join(failure.detail.removeprefix(f"{origin.host}: ") for failure in failures)
        raise EgressError(reason, f"{origin.host}, port {origin.port}: {said}")

    async def _secure(self, wire: Wire, host: str) -> None:
        """TLS on top, with the other side's certificate checked."""
        proxied, loop = wire.proxied, asyncio.get_running_loop()
        try:
            if wire.closing:  # asyncio would begin a handshake and wait for it
                raise ConnectionResetError
            # A certificate never has the dot of a fully qualified name, nor does SNI (RFC 6066, section 3).
            name = host.removesuffix(".")
            secured = await loop.start_tls(wire.transport, wire, self._ssl_context, server_hostname=name)
        except (ssl.SSLError, ValueError) as error:  # a name that no certificate can be for is a ValueError
            detail = f"{host}: {error}"
            raise httpx.ConnectError(detail) from blamed(Reason.TLS, detail, proxied=proxied, cause=error)
        except OSError as error:
            detail = f"{host}: the TLS handshake broke off"
            raise httpx.ConnectError(detail) from blamed(Reason.RESET, detail, proxied=proxied, cause=error)
        wire.transport = cast(asyncio.Transport, secured)


async def connect_wire(wire: Wire, address: IPAddress, port: int, timeout: float | None) -> None:
    """Connect to exactly this address; there is nothing in it to resolve.

    :param timeout: seconds.
    :raises OSError: when it cannot be.
    """
    async with asyncio.timeout(timeout):
        await asyncio.get_running_loop().create_connection(lambda: wire, str(address), port)


async def _ask_for_tunnel(wire: Wire, origin: Origin, proxy: Proxy) -> None:
    place = f"[{origin.host}]" if ":" in origin.host else origin.host
    place = f"{place}:{origin.port}"
    lines = [f"CONNECT {place} HTTP/1.1".encode(), f"Host: {place}".encode()]
    if proxy.authorization is not None:
        lines.append(b"Proxy-Authorization: " + proxy.authorization)
    wire.begin(b"CONNECT")
    await wire.send(b"\r\n".join([*lines, b"", b""]))
    await wire.head()
    if not 200 <= wire.exchange.status < 300 or not wire.reusable:
        detail = f"no tunnel, status {wire.exchange.status}"
        raise httpx.ProxyError(detail) from blamed(Reason.OWN_FAULT, detail, proxied=True)


def _failure(address: IPAddress, error: OSError) -> EgressError:
    """Why one address could not be reached."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return EgressError(Reason.TIMEOUT, f"{address}: no answer")
    reason = Reason.OWN_FAULT if error.errno in _OWN_ERRNOS else Reason.CONNECT
    return EgressError(reason, f"{address}: {errno.errorcode.get(error.errno or 0, 'cannot connect')}")
