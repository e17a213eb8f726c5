"""A request as it goes over the wire."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from functools import lru_cache
from typing import cast

import httpcore
import httpx

from bridge.egress.dialling import Origin, Proxy

_PORTS = {b"http": 80, b"https": 443}
# What may be sent at all, as h11 has it (RFC 9110, section 5).
_TOKEN = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_VALUE = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")
_TARGET = re.compile(rb"[\x21-\x7e]+")
# By these the receiver can tell that it is the same request (https://www.standardwebhooks.com; Resend's documentation).
_IDENTIFYING = frozenset({b"idempotency-key", b"webhook-id"})


def origin_of(url: httpcore.URL) -> Origin:
    """Where a request goes.

    :raises httpx.UnsupportedProtocol: nowhere.
    """
    if url.scheme not in _PORTS or not url.host:
        raise httpx.UnsupportedProtocol("A request goes to an http:// or https:// URL with a host")
    return Origin(url.scheme.decode("ascii"), url.host.decode("ascii"), url.port or _PORTS[url.scheme])


async def written(request: httpcore.Request, proxy: Proxy | None) -> bytes:
    """All of a request's bytes. Its body has a known length.

    :param proxy: what plain http is forwarded by.
    :raises httpx.LocalProtocolError: it cannot be written as HTTP.
    """
    body = await _whole(request.stream)
    headers, target = request.headers, request.url.target
    if proxy is not None and request.url.scheme == b"http":
        target = bytes(request.url)
        if proxy.authorization is not None:
            headers = [*headers, (b"Proxy-Authorization", proxy.authorization)]
    if not _TOKEN.fullmatch(request.method) or not _TARGET.fullmatch(target):
        raise httpx.LocalProtocolError("Illegal method or target")
    lines = [b"%b %b HTTP/1.1\r\n" % (request.method, target)]
    for name, value in headers:
        lowered = _lowered(name)
        if lowered is None or not _VALUE.fullmatch(value):
            raise httpx.LocalProtocolError(f"Illegal header {name!r}")
        if lowered == b"transfer-encoding" or (lowered == b"content-length" and value != b"%d" % len(body)):
            raise httpx.LocalProtocolError("The length of the body must be known, and right")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join([*lines, b"\r\n", body])


async def _whole(stream: object) -> bytes:
    """A body. One that is in memory need not be waited for: an event loop keeps account of asynchronous generators."""
    if isinstance(stream, httpx.SyncByteStream):
        return b"".join(stream)
    return b"".join([chunk async for chunk in cast(AsyncIterable[bytes], stream)])


@lru_cache(maxsize=1024)
def _lowered(name: bytes) -> bytes | None:
    """The name of a header in lower case; None when it is none. Most are the same in every request."""
    return name.lower() if _TOKEN.fullmatch(name) else None


def may_be_repeated(request: httpcore.Request) -> bool:
    """Whether a request may be sent again although nobody knows if the first was read.

    Its method alone does not make it so. Reading a video twice does no harm, but a provider's budget counts requests:
    whoever owns that decides.
    """
    return any(name.lower() in _IDENTIFYING for name, _ in request.headers)
