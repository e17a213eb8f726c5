"""Requests that nobody would send: every route, and what is no route, with anything wrong in any part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

from bridge.web.api import OPERATIONS
from bridge.web.operations import Operation

STEADY = "steady"
"""A stored destination that answers at once and that no request changes."""

NAMES = ("team", "other", "slack", "nobody")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

_ODD_BYTES = (b"", b".", b"..", b"/", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\r\nx: y", b"a" * 600, b"%", b"?", b"#")
_QUERIES = (
    "wait",
    "limit",
    "order",
    "after",
    "status",
    "video_id",
    "provider",
    "metadata[a]",
    "metadata",
    "force",
    "x",
)
_QUERY_VALUES = ("0", "1", "-1", "desc", "asc", "watching", "failed", "true", "watch_0", "1e9", "٣", "")
_ODD_QUERIES = (b"&%", b"&%ff", b"&=", b"&&", b"&a=%00", b"&a[b]=%ed%a0%80", b"&" + b"a" * 9000)
_WORDS = (
    "",
    "a",
    "\x00",
    "\ud800",
    "�",
    "x" * 300,
    "x" * 5000,
    "watch_1",
    "team",
    "https://127.0.0.1:9/",
    "null",
    "{{",
)
_NUMBERS = (0, -1, 1, 60, 2**31, 2**63, 2**64, 1.5, 1e308, -0.0)
_URLS = (
    "http://127.0.0.1:9/",
    "https://example.com/hook",
    "ftp://x",
    "https://user@x/",
    "https://[::1]:0/",
    "http://[",
)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """One request as it goes over the wire; ``framed`` when it is whole, so that an answer is owed."""

    data: bytes
    framed: bool = True


_LEAVES = st.none() | st.booleans() | st.sampled_from((*_NUMBERS, *_WORDS, *_URLS)) | st.text(max_size=8)
JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
"""Anything that Python's JSON writer writes, also what it should not."""

_FURTHER = ("key", "timeout", "metadata", "template", "destinations", "x")


@st.composite
def _spoiled(draw: st.DrawFn, example: Any) -> Any:
    """An example of a body with some of its values exchanged, left out or added to."""
    if not isinstance(example, Mapping) or draw(st.integers(0, 9)) == 0:
        return draw(JSON) if draw(st.booleans()) else example
    spoiled: dict[str, Any] = {}
    for name, value in example.items():
        what = draw(st.integers(0, 29))
        if what == 0:
            continue
        inner = value[0] if isinstance(value, Sequence) and not isinstance(value, str) and value else value
        fresh = draw(JSON) if what < 3 else draw(_spoiled(inner)) if what < 6 else inner
        spoiled[name] = [fresh] if inner is not value and what != 1 else fresh
    if draw(st.integers(0, 4)) == 0:
        spoiled[draw(st.sampled_from(_FURTHER))] = draw(JSON)
    return spoiled


_BROKEN = (
    b"",
    b"{",
    b"[" * 5000,
    b'{"a":' * 60 + b"1" + b"}" * 60,
    b'{"a":1,"a":2}',
    b"NaN",
    b"1e999",
    b"9" * 5000,
    b"\xff\xfe{}",
    b'"\\ud800"',
    b'{"video_id":"\\u0000"}',
    b"null",
    b"[]",
    b"{}",
)


@st.composite
def bodies(draw: st.DrawFn, operation: Operation) -> bytes:
    """A body for an operation, seldom a right one."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(_BROKEN) | st.binary(max_size=40))
    return json.dumps(draw(_spoiled(dict(operation.body_example)))).encode()


@st.composite
def _target(draw: st.DrawFn, operation: Operation, ids: Sequence[str]) -> bytes:
    path = operation.path.encode()
    for name in (b"{watch_id}", b"{delivery_id}", b"{destination}"):
        if name in path:
            # A trial waits for its receiver, however long that takes: only one that answers at once is tried.
            known = (STEADY,) if operation.path.endswith("/test") else (*NAMES, *ids)
            odd = quote_from_bytes(draw(st.sampled_from(_ODD_BYTES) | st.binary(max_size=6)), safe="").encode()
            path = path.replace(name, draw(st.sampled_from(known)).encode() if draw(st.integers(0, 3)) else odd)
    pairs = draw(st.lists(st.tuples(st.sampled_from(_QUERIES), st.sampled_from(_QUERY_VALUES)), max_size=3))
    query = "&".join(f"{name}={quote_from_bytes(value.encode())}" for name, value in pairs).encode()
    if draw(st.integers(0, 9)) == 0:
        query += draw(st.sampled_from(_ODD_QUERIES))
    return path + (b"?" + query if query else b"")


_HEADERS = (
    (b"Idempotency-Key", (b"", b"k", b"\xff\xfe", b"k" * 256, b"caf\xc3\xa9")),
    (b"Last-Event-ID", (b"", b"completed-0", b"x" * 300)),
    (b"X-Request-ID", (b"mine", b"\x01", b"x" * 300)),
    (b"Authorization", (b"Bearer", b"Bearer x", b"Bearer \xff", b"Basic Og==", b"Bearer " + b"k" * 3000)),
    (b"Origin", (b"null", b"http://localhost", b"https://evil.example")),
    (b"Accept-Encoding", (b"gzip", b"*")),
    (b"Expect", (b"100-continue", b"x")),
    (b"Upgrade", (b"websocket",)),
    (b"Range", (b"bytes=0-1",)),
    (b"Content-Encoding", (b"gzip", b"identity")),
    (b"X-Forwarded-For", (b"127.0.0.1", b"")),
)
_TYPES = (b"application/json",) * 6 + (b"application/json; charset=utf-16", b"text/plain", b"", b"multipart/form-data")


@st.composite
def requests(draw: st.DrawFn, ids: Sequence[str], headers: Sequence[tuple[bytes, bytes]] = ()) -> MadeUp:
    """One request whose framing is right, for a route of the API most of the time."""
    operation = draw(st.sampled_from(OPERATIONS))
    odd = draw(st.integers(0, 9))
    method = operation.method if odd else draw(st.sampled_from(METHODS))
    target = draw(_target(operation, ids))
    if odd == 1:
        target = b"/" + quote_from_bytes(draw(st.binary(max_size=12))).encode()
    lines = [(b"Host", b"127.0.0.1"), (b"Connection", b"close"), *headers]
    for name, values in draw(st.lists(st.sampled_from(_HEADERS), max_size=2)):
        lines.append((name, draw(st.sampled_from(values))))
    wanted = method in ("POST", "PUT", "PATCH", "DELETE") and (operation.body or odd == 2)
    body = draw(bodies(operation)) if wanted else b""
    if body or operation.body is not None:
        lines.append((b"Content-Type", draw(st.sampled_from(_TYPES))))
    return MadeUp(_written(method.encode(), target, lines, body, chunked=draw(st.integers(0, 5)) == 0))


def _written(
    method: bytes, target: bytes, lines: Sequence[tuple[bytes, bytes]], body: bytes, *, chunked: bool
) -> bytes:
    framing = (b"Transfer-Encoding", b"chunked") if chunked and body else (b"Content-Length", str(len(body)).encode())
    head = b"".join(b"%b: %b\r\n" % line for line in [*lines, framing])
    if chunked and body:
        half = len(body) // 2 or 1
        parts = [part for part in (body[:half], body[half:]) if part]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, target, head, body)


_LINES = (
    b"GET /healthz HTTP/1.1\r\n",
    b"GET /v1/watches HTTP/1.0\r\n",
    b"POST /v1/watches HTTP/1.1\r\n",
    b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"GET http://127.0.0.1/healthz HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\n",
    b"GET /\xff\x00 HTTP/1.1\r\n",
    b"GET  /healthz HTTP/1.1\r\n",
    b"GET /healthz HTTP/9.9\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b"\r\n\r\n\r\n",
)
_FRAMES = (
    b"Host: 127.0.0.1\r\n",
    b"Host: 127.0.0.1\r\nHost: evil.example\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: +5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Content-Type: application/json\r\n",
    b"x:" + b"y" * 70_000 + b"\r\n",
    b"x: y\r\n" * 300,
    b"no colon at all\r\n",
    b": nameless\r\n",
    b" folded: yes\r\n",
    b"x\x00y: z\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
)
_TAILS = (
    b"",
    b"\r\n",
    b"\r\n{}",
    b"\r\n2\r\n{}\r\n0\r\n\r\n",
    b"\r\n2\r\n{}\r\n0\r\nx: y\r\n\r\n",
    b"\r\nzz\r\n",
    b"\r\nffffffffffffffff1\r\n",
    b"\r\n2;" + b"e" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
    b"\r\nGET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20,
    b"\r\n\x00\x00\x00",
)


@st.composite
def garbage(draw: st.DrawFn) -> MadeUp:
    """Bytes whose framing is broken in some way: no answer is owed, but the server must go on."""
    if draw(st.integers(0, 4)) == 0:
        return MadeUp(draw(st.binary(min_size=1, max_size=200)), framed=False)
    frames = b"".join(draw(st.lists(st.sampled_from(_FRAMES), max_size=3)))
    data = draw(st.sampled_from(_LINES)) + frames + draw(st.sampled_from(_TAILS))
    cut = draw(st.integers(0, 3))
    return MadeUp(data[: draw(st.integers(1, len(data)))] if cut == 0 else data, framed=False)
