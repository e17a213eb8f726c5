"""Who may ask for what: API keys, or without any, this machine alone."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.errors import AuthenticationError, PermissionDeniedError, RequestError
from bridge.settings import ApiKey
from bridge.web.errors import refusal
from bridge.web.limits import RequestRate, SignIns
from bridge.web.requestlog import caller

READING = frozenset({"GET", "HEAD", "OPTIONS"})

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[0-9a-z._-]+)(:[0-9]{1,5})?", re.IGNORECASE)


class KeyRing:
    """The configured API keys, as digests. An empty one asks for none."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = [(_digest(key.key.get_secret_value().encode()), key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def id_of(self, key: ApiKey) -> str:
        """The beginning of a digest of the key, by which logs may name it."""
        return _digest(key.key.get_secret_value().encode()).hex()[:8]

    def holder(self, authorization: str | None) -> ApiKey:
        """The key that an ``Authorization`` header shows.

        :raises AuthenticationError: it shows none that we know.
        """
        scheme, _, credentials = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not credentials.strip():
            raise AuthenticationError(
                "An API key is needed: send it as `Authorization: Bearer KEY`.", code="missing_api_key"
            )
        return self.find(credentials.strip().encode("latin-1"))  # headers are Latin-1 text

    def find(self, shown: bytes) -> ApiKey:
        """The key that reads so.

        :raises AuthenticationError: there is none.
        """
        # Digests are compared, for the time that takes does not even tell how long a key is; and all, found or not.
        digest = _digest(shown)
        found = [key for known, key in self._keys if hmac.compare_digest(known, digest)]
        if not found:
            raise AuthenticationError("This API key is not known here.", code="invalid_api_key")
        return found[0]

    def of_id(self, key_id: str) -> list[ApiKey]:
        """The keys whose digests begin so: one, but for a chance in billions."""
        return [key for _, key in self._keys if self.id_of(key) == key_id]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


class RequireKey:
    """ASGI middleware that lets only holders of an API key through."""

    def __init__(self, app: ASGIApp, keys: KeyRing, rate: RequestRate, sign_ins: SignIns) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate
        self._sign_ins = sign_ins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; what is refused is raised.

        :raises AuthenticationError: no valid key; :raises PermissionDeniedError: the key may only read;
        :raises RateLimitedError: too many requests with this key, or with keys that are not known.
        """
        if self._keys and scope["type"] == "http":
            await self._admit(scope)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        try:
            key = self._keys.holder(Headers(scope=scope).get("authorization"))
        except AuthenticationError as error:
            if error.code == "invalid_api_key":
                await self._sign_ins.failed((scope.get("client") or ("", 0))[0])
            raise
        caller(scope).key_name = key.name
        caller(scope).key_id = self._keys.id_of(key)
        self._rate.take(caller(scope).key_id)  # also of requests that are refused next
        if key.read_only and scope["method"] not in READING:
            raise PermissionDeniedError("This API key may only read.", code="read_only_key")


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may come in, and how often."""

    keys: KeyRing
    rate: RequestRate
    sign_ins: SignIns

    @property
    def guard(self) -> Middleware:
        """What stands before routes that ask for a key."""
        return Middleware(RequireKey, keys=self.keys, rate=self.rate, sign_ins=self.sign_ins)


class LocalOnly:
    """ASGI middleware that refuses what a web page of a stranger could make a browser send.

    A server without keys trusts this machine. A page elsewhere can send requests to it through a browser here, with
    its own ``Origin``, or by a name of its own that resolves to 127.0.0.1 (DNS rebinding), which then stands in
    ``Host``. Both are refused. So is what a browser marks as the work of another site's page although it names no
    origin, as it does for pictures and frames (``Sec-Fetch-Site``, https://www.w3.org/TR/fetch-metadata/); only a link
    that somebody follows is let through.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or answer it with 403."""
        error = _stranger(Headers(scope=scope)) if scope["type"] == "http" else None
        if error is None:
            await self._app(scope, receive, send)
        else:
            await refusal(error)(scope, receive, send)


def _stranger(headers: Headers) -> RequestError | None:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_local_host(hosts[0]):
        return PermissionDeniedError(
            "This server has no API keys and answers only as localhost. "
            "Reach it by http://localhost or http://127.0.0.1, or configure BRIDGE_API_KEYS.",
            code="host_not_local",
        )
    if not all(is_local_origin(origin) for origin in headers.getlist("origin")) or _is_embedded(headers):
        return PermissionDeniedError(
            "This server has no API keys and takes no requests from web pages of other origins.",
            code="origin_not_local",
        )
    return None


def _is_embedded(headers: Headers) -> bool:
    """Whether a page of another site made the browser ask for this, other than by a link that was followed."""
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return headers.get("sec-fetch-site") == "cross-site" and not followed


def is_local_host(host: str) -> bool:
    """Whether a ``Host`` header names this machine: ``localhost``, a name under it, or a loopback address."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"].lower()
    bare = name.removesuffix(".")
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def is_local_origin(origin: str) -> bool:
    """Whether an ``Origin`` header names a page of this machine."""
    scheme, _, host = origin.partition("://")
    return scheme.lower() in ("http", "https") and is_local_host(host)
