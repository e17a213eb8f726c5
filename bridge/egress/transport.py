"""httpx's transport on top of our own dialling."""

from __future__ import annotations

import os
import ssl
from functools import cache

import certifi
import httpcore
import httpx

from bridge.errors import ConfigurationError

FilePath = str | os.PathLike[str]

# Below what common servers grant an idle connection (nginx 75 s, Node 5 s), so that few are closed under a request.
_KEEPALIVE_EXPIRY = 4.0


class CheckedTransport(httpx.AsyncHTTPTransport):
    """An ordinary httpx transport, except that it connects through the given backend and has a single connection.

    :param proxy: where requests go instead of to their host; the backend then connects to it.
    """

    def __init__(
        self, backend: httpcore.AsyncNetworkBackend, ssl_context: ssl.SSLContext, proxy: httpcore.Proxy | None = None
    ) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        # httpx has no argument for the backend; its pool is replaced before it is used.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            proxy=proxy,
            max_connections=1,
            keepalive_expiry=_KEEPALIVE_EXPIRY,
            network_backend=backend,
        )

    @property
    def ready(self) -> bool:
        """Whether the connection is open and waits for a request."""
        return any(each.is_available() and not each.has_expired() for each in self._pool.connections)


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


def make_proxy(url: str, ssl_context: ssl.SSLContext) -> httpcore.Proxy:
    """The proxy a URL names, with the credentials in it.

    :raises ConfigurationError: when it is not the URL of an HTTP proxy.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError("the proxy is not a URL") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError("the proxy must be an http:// or https:// URL")
    return httpcore.Proxy(
        url=httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=b"/"),
        auth=(parsed.username.encode(), parsed.password.encode()) if parsed.userinfo else None,
        ssl_context=ssl_context if parsed.scheme == "https" else None,
    )
