"""The outermost layer: every request gets an id, one line in the log, and an answer even when we are at fault."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.clock import Clock
from bridge.logs import get_logger
from bridge.web.errors import internal_error

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_LONGEST_PATH = 500
_CALLER = "bridge.caller"

_log = get_logger("bridge.web")


@dataclass(slots=True)
class Caller:
    """Who makes this request: the name of the API key, once it is known, and the beginning of its digest."""

    key_name: str | None = None
    key_id: str = ""


def caller(scope: Mapping[str, Any]) -> Caller:
    """Who makes the request of this scope."""
    found = scope[_CALLER]
    assert isinstance(found, Caller)  # noqa: S101 - put there by the layer below
    return found


class RequestLog:
    """ASGI middleware: ``x-request-id`` on every answer, an access line, and a 500 for what nobody caught."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_CALLER] = Caller()
        request_id = _request_id(Headers(scope=scope))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = self._clock.monotonic()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            # The boundary of a request: whatever went wrong in it must not be shown, and ends here.
            _log.exception("request_failed", method=scope["method"], path=_path(scope))
            if status is not None:
                raise  # too late for an answer; the server closes the connection
            await internal_error()(scope, receive, send_with_id)
        finally:
            # Looking is what dashboards, probes and followers do all day.
            quiet = scope["method"] in ("GET", "HEAD") and status is not None and status < 400
            _log.log(
                logging.DEBUG if quiet else logging.INFO,
                "request",
                method=scope["method"],
                path=_path(scope),
                status=status,
                ms=round((self._clock.monotonic() - began) * 1000),
                key_name=caller(scope).key_name,
                key_id=caller(scope).key_id or None,
            )


def _request_id(headers: Headers) -> str:
    """The client's own id when it is a plain token, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _SANE_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"


def _path(scope: Scope) -> str:
    """The path as one printable word, without the query, which may hold what is nobody's business."""
    path = scope["path"]
    if path.startswith("/media/"):  # the rest is as good as a key
        return "/media/…"
    return quote(path, errors="replace")[:_LONGEST_PATH]
