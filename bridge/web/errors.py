"""Every refusal has one shape: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bridge.errors import Away, MissingKeyError, RateLimitedError, RequestError, StoreUnavailableError
from bridge.logs import get_logger

CLIENT_GONE = 499
"""The status the log shows for a client that left before its answer; nobody receives it."""

RETRY_AFTER_SECONDS = 5

_log = get_logger("bridge.web")


def error_object(message: str, type: str, *, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def body_of(error: RequestError) -> dict[str, Any]:
    """The body that tells of ``error``."""
    return error_object(error.message, error.type, param=error.param, code=error.code)


def refusal(error: RequestError) -> Response:
    """The answer that tells of ``error``."""
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, RateLimitedError):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    return JSONResponse(body_of(error), error.status, headers)


def internal_error() -> Response:
    """The answer when the fault is ours. What went wrong stands in the log, under the request's id."""
    message = "Something went wrong on this server; its log has the details under this request's x-request-id."
    return JSONResponse(error_object(message, "server_error", code="internal_error"), 500)


async def _on_request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)  # noqa: S101 - the table below says so
    return refusal(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: a path or a method that no route has."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the table below says so
    if error.status_code == 404:
        body = error_object("There is no such route; /docs lists them.", "not_found_error", code="unknown_route")
    elif error.status_code == 405:
        message = f"This route does not take {request.method}; the Allow header lists what it takes."
        body = error_object(message, "invalid_request_error", code="method_not_allowed")
    else:
        body = error_object(error.detail, "invalid_request_error")
    return JSONResponse(body, error.status_code, error.headers)


_AWAY: Mapping[Away, str] = {
    Away.LOCKED: "is locked by another process",
    Away.FULL: "has no space left on its disk",
    Away.READ_ONLY: "takes no writes for now",
    Away.BUSY: "is busy",
    Away.UNREACHABLE: "cannot be reached for now",
    Away.BROKEN: "does not work for now",
}


async def _on_store_unavailable(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreUnavailableError)  # noqa: S101 - the table below says so
    _log.warning("database_away", error=str(error))
    body = error_object(
        f"The database of this server {_AWAY[error.away]}; nothing was changed. Try again in a few seconds.",
        "server_error",
        code="database_away",
    )
    return JSONResponse(body, 503, {"retry-after": str(RETRY_AFTER_SECONDS)})


KEY_MISSING = (
    "This server does not have the key that a secret in its database is encrypted with; nothing was changed. Put that "
    "key into its BRIDGE_SECRET_KEY and start it again."
)
"""What to say when somebody encrypts with another key meanwhile: a rotation, or a server with other settings."""


async def _on_missing_key(_: Request, error: Exception) -> Response:
    _log.error("key_missing", error=str(error))
    body = error_object(KEY_MISSING, "server_error", code="key_missing")
    # Another server behind the same address may have the key.
    return JSONResponse(body, 503, {"retry-after": str(RETRY_AFTER_SECONDS)})


async def _on_client_gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


HANDLERS: Mapping[Any, Callable[[Request, Exception], Any]] = {
    RequestError: _on_request_error,
    HTTPException: _on_http_exception,
    StoreUnavailableError: _on_store_unavailable,
    MissingKeyError: _on_missing_key,
    ClientDisconnect: _on_client_gone,
}
"""Starlette's exception handlers, by class."""
