"""Dialling: resolve, check every address, connect to a checked one.

The pool asks this backend for a connection to a *name* and gets one to an address that was checked a moment before;
nothing resolves the name a second time, so an answer that changes in between changes nothing. TLS comes on top and
verifies the name. Errors leave here as :class:`~bridge.errors.EgressError`, because only here it is known whether the
name, the address, the certificate, the other side or our own machine was at fault.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from bridge.egress.addresses import AddressPolicy, IPAddress
from bridge.egress.resolver import Resolver
from bridge.egress.urls import literal_address
from bridge.errors import BlockedAddressError, EgressError
from bridge.models import Reason

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

# No route, no port, no descriptor, no buffer: faults of this machine.
_OWN_ERRNOS = frozenset(
    {errno.ENETUNREACH, errno.ENETDOWN, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)
# Of several failures the one that says most about the other side.
_TELLING = (Reason.CONNECT, Reason.TIMEOUT, Reason.OWN_FAULT)
# A name may list hundreds of addresses; we are nobody's means to knock at them all.
_MOST_DIALLED = 8


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects only to addresses its policy accepts.

    :param plain: the connections carry plain http, for which the policy is stricter.
    :param proxy_layers: how many layers of a connection belong to a proxy rather than to the destination: none, the
        socket, or the socket and its TLS. What goes wrong in them is our own fault.
    :param dialler: connects to one address.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        resolver: Resolver,
        *,
        plain: bool = False,
        proxy_layers: int = 0,
        dialler: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._plain = plain
        self._proxy_layers = proxy_layers
        self._dialler = dialler or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to one of the host's addresses.

        :param timeout: seconds for all of them together.
        :raises BlockedAddressError: one of them may not be dialled.
        :raises EgressError: none of them could be reached.
        """
        try:
            addresses = await self._addresses(host, port)
            return await self._dial(addresses, port, timeout)
        except EgressError as error:
            if self._proxy_layers:
                raise EgressError(Reason.OWN_FAULT, f"the proxy cannot be reached: {error.detail}") from error
            raise

    async def _addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        literal = literal_address(host)
        addresses = [literal] if literal is not None else await self._resolver.resolve(host, port)
        if not addresses:
            raise EgressError(Reason.DNS, f"{host} has no address")
        for address in addresses:
            # One bad answer refuses the name: else a list of good and bad ones would be a way to try them all.
            refusal = self._policy.refusal(address, plain=self._plain)
            if refusal is not None:
                raise BlockedAddressError(f"{host}: {refusal}")
        return addresses

    async def _dial(
        self, addresses: Sequence[IPAddress], port: int, timeout: float | None
    ) -> httpcore.AsyncNetworkStream:
        failures: list[EgressError] = []
        tried = addresses[:_MOST_DIALLED]
        # A share for each, so that a dead first address leaves time for the second, and a dead proxy is noticed as
        # such before the deadline of the whole request.
        shares = len(tried) + (1 if self._proxy_layers else 0)
        for address in tried:
            share = None if timeout is None or shares == 1 else timeout / shares
            try:
                stream = await self._dialler.connect_tcp(str(address), port, timeout=share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failures.append(_failure(address, error))
            else:
                return CheckedStream(stream, self._proxy_layers)
        reason = min((failure.reason for failure in failures), key=_TELLING.index)
        raise EgressError(reason, "; ".join(failure.detail for failure in failures)) from failures[-1]


class CheckedStream(httpcore.AsyncNetworkStream):
    """A connection that says in our words what goes wrong on it, and speaks nothing but HTTP.

    :param proxy_layers: as in :class:`CheckedBackend`; TLS on top takes one off.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, proxy_layers: int) -> None:
        self._stream = stream
        self._proxy_layers = proxy_layers
        self._is_http = False
        self._answered = False
        self._ended = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; none at the end.

        :raises EgressError: the connection broke, ended before an answer began, or carries something else than HTTP.
        """
        try:
            data = await self._stream.read(max_bytes, timeout)
        except httpcore.ReadError as error:
            raise self._failure(Reason.RESET, "the connection was reset") from error
        except ssl.SSLError as error:  # with TLS 1.3 a refused client certificate is first heard of here
            raise self._failure(Reason.TLS, str(error)) from error
        self._ended = not data
        if self._ended and not self._answered:
            raise self._failure(Reason.RESET, "the connection was closed without an answer")
        if not self._is_http:
            if data[:5] != b"HTTP/"[: len(data)]:
                raise self._failure(Reason.BAD_REPLY, "what answers is not HTTP")
            self._is_http = True
        self._answered = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes.

        :raises httpcore.WriteError: the pool passes over it, because there may be an answer to read all the same.
        """
        self._answered = False
        try:
            await self._stream.write(buffer, timeout)
        except ssl.SSLError as error:
            raise self._failure(Reason.TLS, str(error)) from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Go on encrypted, with the other side's certificate checked.

        :raises EgressError: it is not good for the name, or the handshake broke off.
        """
        secured = None
        inner = max(0, self._proxy_layers - 1)
        try:
            secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except (httpcore.ConnectError, ValueError) as error:
            broke_off = isinstance(error, httpcore.ConnectError) and not isinstance(error.__cause__, ssl.SSLError)
            reason, detail = (Reason.RESET, "the TLS handshake broke off") if broke_off else (Reason.TLS, str(error))
            raise _blame(inner, reason, detail) from error
        finally:
            if secured is None:  # cancelled included, which the library's own clean-up leaves out
                await self._stream.aclose()
        return CheckedStream(secured, inner)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks connections about, and ``peer_ended``: whether the other side has sent its last byte."""
        return self._ended if info == "peer_ended" else self._stream.get_extra_info(info)

    def _failure(self, reason: Reason, detail: str) -> EgressError:
        return _blame(self._proxy_layers, reason, detail)


def _blame(proxy_layers: int, reason: Reason, detail: str) -> EgressError:
    return EgressError(Reason.OWN_FAULT, f"the proxy: {detail}") if proxy_layers else EgressError(reason, detail)


def _failure(address: IPAddress, error: Exception) -> EgressError:
    """Why one address could not be reached."""
    if isinstance(error, httpcore.ConnectTimeout):
        return EgressError(Reason.TIMEOUT, f"{address}: no answer")
    number = _errno(error)
    reason = Reason.OWN_FAULT if number in _OWN_ERRNOS else Reason.CONNECT
    return EgressError(reason, f"{address}: {errno.errorcode.get(number or 0, 'cannot connect')}")


def _errno(error: BaseException | None) -> int | None:
    """The system's error number, which lies somewhere down the chain of causes."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None
