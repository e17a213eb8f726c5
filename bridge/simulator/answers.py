"""The simulator's answers that are not the truth: error objects, silence, a closed connection, nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bridge.clock import Clock
from bridge.errors import RequestError
from bridge.simulator.faults import Fault
from bridge.simulator.settings import SimulatorSettings
from bridge.simulator.state import Answer, Reply

_HTML = "<!doctype html><title>Welcome</title><p>Please accept the terms of this network.</p>"

# Type, code and message of the error object for a status.
_REFUSALS = {
    401: ("authentication_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("permission_error", "forbidden", "You do not have access to this video."),
    404: ("not_found_error", "video_not_found", "No such video."),
    429: ("rate_limit_error", "rate_limit_exceeded", "Too many requests, slow down."),
    500: ("server_error", "server_error", "The server had an error while processing your request."),
    503: ("server_error", "service_unavailable", "The server is overloaded or not ready yet."),
}


class Reset(Response):
    """Closes the connection without an answer; works under :class:`bridge.simulator.server.ResettableProtocol`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hang up, and return once the server has noticed."""
        scope["state"]["reset"]()
        await _client_gone(receive)


class Hang(Response):
    """Says nothing until the client leaves; after ``limit`` seconds it hangs up itself."""

    def __init__(self, clock: Clock, limit: float) -> None:
        super().__init__()
        self._clock = clock
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for whichever comes first, then close."""
        waits = {asyncio.ensure_future(_client_gone(receive)), asyncio.ensure_future(self._clock.sleep(self._limit))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        await Reset()(scope, receive, send)


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def respond(answer: Answer, settings: SimulatorSettings, clock: Clock) -> Response:
    """The response for what a read was told to answer."""
    match answer:
        case Reply():
            return Response(answer.body, answer.status, dict(answer.headers))
        case Fault.HANG:
            return Hang(clock, settings.hang_limit)
        case Fault.RESET:
            return Reset()
        case Fault.NOT_JSON:
            return HTMLResponse(_HTML)
        case Fault.RATE_LIMITED:
            return refusal(429, settings)
        case Fault.SERVER_ERROR:
            return refusal(500, settings)
        case status:
            return refusal(status, settings)


def refusal(status: int, settings: SimulatorSettings) -> Response:
    """An error object that fits the status; with 429 goes ``Retry-After``."""
    fallback = ("server_error" if status >= 500 else "invalid_request_error", None, f"Simulated answer {status}.")
    kind, code, message = _REFUSALS.get(status, fallback)
    headers = {"retry-after": f"{settings.retry_after:.12g}"} if status == 429 else None
    return error_object(status, message, kind=kind, code=code, headers=headers)


def refused(error: RequestError) -> Response:
    """The error object for a request we refuse."""
    return error_object(error.status, error.message, kind=error.type, param=error.param, code=error.code)


def error_object(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """``{"error": {"message", "type", "param", "code"}}`` with this status."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return JSONResponse(body, status, headers)
