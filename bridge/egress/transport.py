"""httpx's transport on top of our own connections, and what it is made with."""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from functools import cache
from typing import cast

import certifi
import httpcore
import httpx

from bridge.egress.dialling import Dialler, Origin, Proxy
from bridge.egress.pool import Pool
from bridge.errors import ConfigurationError

FilePath = str | os.PathLike[str]


class CheckedTransport(httpx.AsyncHTTPTransport):
    """An ordinary httpx transport on connections of our own: checked, bounded and quick.

    Errors are those httpx raises in the same cases, each caused by an :class:`~bridge.errors.EgressError` that knows
    more. The ``timeout`` extension of a request is kept as httpx keeps it.

    :param dialler: makes connections.
    :param most: connections at once, idle ones included.
    """

    def __init__(self, dialler: Dialler, ssl_context: ssl.SSLContext, most: int) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        # httpx has no argument for the pool; it is replaced before it is used. Whatever intercepts httpx's transports
        # (pytest-httpx, tracing) goes on intercepting this one.
        self._pool = cast(httpcore.AsyncConnectionPool, Pool(dialler, most))


def make_ssl_context(ca_file: FilePath | None, client_cert: FilePath | None) -> ssl.SSLContext:
    """Verification against certifi's roots and those in ``ca_file``, identifying with ``client_cert``.

    :param ca_file: PEM file with further trust roots.
    :param client_cert: PEM file with a certificate and its key.
    :raises ConfigurationError: when one of the files cannot be used.
    """
    if ca_file is None and client_cert is None:
        return _public_context()
    context = ssl.create_default_context(cafile=certifi.where())
    try:
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(f"the CA file {ca_file} cannot be used: {error}") from error
    try:
        if client_cert is not None:
            context.load_cert_chain(client_cert)
    except OSError as error:
        raise ConfigurationError(f"the client certificate {client_cert} cannot be used: {error}") from error
    return context


@cache
def _public_context() -> ssl.SSLContext:
    """Verification against certifi's roots alone. Reading them takes long, and doors may share them."""
    return ssl.create_default_context(cafile=certifi.where())


def make_proxy(url: str) -> Proxy:
    """The proxy a URL names, with the credentials in it.

    :raises ConfigurationError: when it is not the URL of an HTTP proxy.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError("the proxy is not a URL") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError("the proxy must be an http:// or https:// URL")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    origin = Origin(parsed.scheme, parsed.raw_host.decode("ascii"), port)
    if not parsed.userinfo:
        return Proxy(origin)
    credentials = f"{parsed.username}:{parsed.password}".encode()
    return Proxy(origin, b"Basic " + b64encode(credentials))
