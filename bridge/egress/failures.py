"""What an error of httpx means to us, in one table; and errors of httpx that bring along what they mean."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from bridge.errors import EgressError
from bridge.models import Reason

# Looked up along the class's own line of ancestors. Our transport says more precisely what went wrong; most rows only
# speak when another one is in place.
REASONS: Mapping[type[Exception], Reason] = {
    httpx.HTTPError: Reason.BAD_REPLY,
    httpx.RequestError: Reason.BAD_REPLY,
    httpx.TransportError: Reason.CONNECT,
    # Time
    httpx.TimeoutException: Reason.TIMEOUT,
    httpx.ConnectTimeout: Reason.TIMEOUT,
    httpx.ReadTimeout: Reason.TIMEOUT,
    httpx.WriteTimeout: Reason.TIMEOUT,
    httpx.PoolTimeout: Reason.OWN_FAULT,
    # The network
    httpx.NetworkError: Reason.CONNECT,
    httpx.ConnectError: Reason.CONNECT,
    httpx.ReadError: Reason.RESET,
    httpx.WriteError: Reason.RESET,
    httpx.CloseError: Reason.RESET,
    httpx.ProxyError: Reason.OWN_FAULT,
    # What came back
    httpx.ProtocolError: Reason.BAD_REPLY,
    httpx.RemoteProtocolError: Reason.BAD_REPLY,
    httpx.DecodingError: Reason.BAD_REPLY,
    httpx.TooManyRedirects: Reason.REDIRECT,
    httpx.HTTPStatusError: Reason.BAD_REPLY,
    # What we tried to send cannot be written down as HTTP, and never will be: it must not be retried for ever.
    httpx.LocalProtocolError: Reason.RENDER,
    httpx.UnsupportedProtocol: Reason.RENDER,
    httpx.InvalidURL: Reason.RENDER,
    # Ours to fix
    httpx.CookieConflict: Reason.OWN_FAULT,
    httpx.StreamError: Reason.OWN_FAULT,
    httpx.StreamConsumed: Reason.OWN_FAULT,
    httpx.StreamClosed: Reason.OWN_FAULT,
    httpx.ResponseNotRead: Reason.OWN_FAULT,
    httpx.RequestNotRead: Reason.OWN_FAULT,
}
_ROOTS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)
_LONGEST_DETAIL = 200


def reason_of(error: Exception) -> Reason:
    """The reason that stands for an error of httpx."""
    return next(REASONS[kind] for kind in type(error).__mro__ if kind in REASONS)


def blamed(reason: Reason, detail: str, *, proxied: bool = False, cause: BaseException | None = None) -> EgressError:
    """What went wrong on a connection, in our words.

    :param proxied: it happened between us and our own proxy, and is our own fault.
    """
    known = EgressError(Reason.OWN_FAULT, f"the proxy: {detail}") if proxied else EgressError(reason, detail)
    known.__cause__ = cause
    return known


class translated:  # noqa: N801 - named as contextlib names its own
    """Turn httpx's errors into :class:`~bridge.errors.EgressError`.

    Three of these surround every request; written as a generator each would cost several times as much.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise what an error means."""
        if not isinstance(error, _ROOTS):
            return
        if isinstance(error.__cause__, EgressError):  # it was known where it happened
            raise error.__cause__ from error.__cause__.__cause__
        reason = reason_of(error)
        # Such a message quotes the offending header or URL, which may be a secret.
        text = "" if reason is Reason.RENDER else f": {error}"
        raise EgressError(reason, f"{type(error).__name__}{text}"[:_LONGEST_DETAIL]) from error
