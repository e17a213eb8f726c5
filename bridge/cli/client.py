"""Talks to a running server, for the commands that ask it something."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from bridge import __version__
from bridge.cli.connection import Connection
from bridge.cli.events import EventParser
from bridge.cli.exits import CommandError, ExitCode, RefusedError, UnreachableError
from bridge.cli.wording import sentence_of
from bridge.errors import BridgeError

JsonObject = dict[str, Any]

MAX_BATCH = 1000
MAX_PAGE = 100
# More than these at once gain nothing from a server with one writer.
MAX_CONNECTIONS = 16

_CONNECT_TIMEOUT = 5.0
# A batch of 1,000 is one transaction of some seconds on a slow disk.
_READ_TIMEOUT = 60.0
# A stream begins with the present state at once; whoever holds that back would hold back everything, seconds.
_FIRST_EVENT = 10.0
# A stream that is alive says so every 15 seconds.
_SILENCE = 45.0
_EVENTS = "text/event-stream"


class NoStreamError(BridgeError):
    """No stream is to be had: the server is an older one, it does not know the watch, or a proxy holds events back."""


class BridgeClient:
    """The API of a running server, one method per thing a command asks for.

    Answers are the API's own objects. Every method raises :class:`RefusedError` when the server refuses and
    :class:`UnreachableError` when it does not answer.
    """

    def __init__(self, connection: Connection) -> None:
        headers = {"user-agent": f"video-bridge-cli/{__version__}", "accept": "application/json"}
        if connection.api_key is not None:
            headers["authorization"] = f"Bearer {connection.api_key}"
        self._connection = connection
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(_READ_TIMEOUT, connect=_CONNECT_TIMEOUT),
            # One more, for what is asked beside as many streams.
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS + 1),
            # Proxies of the environment never lead to this machine; `verify` keeps SSL_CERT_FILE either way.
            trust_env=not connection.loopback,
            verify=httpx.create_ssl_context(),
        )

    async def __aenter__(self) -> BridgeClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def register(self, registration: JsonObject) -> tuple[JsonObject, bool]:
        """Register a watch; the watch, and whether it is new (an equal one may have been there)."""
        response = await self._send("POST", "/v1/watches", body=registration)
        return self._object(response, "watch"), response.status_code == httpx.codes.CREATED

    async def register_batch(self, registrations: Sequence[JsonObject]) -> JsonObject:
        """Register up to :data:`MAX_BATCH` watches; a list object with, in order, each watch or ``{"error": …}``."""
        response = await self._send("POST", "/v1/watches/batch", body={"watches": list(registrations)})
        return self._object(response, "list")

    async def watch(self, watch_id: str, *, wait: int = 0) -> JsonObject:
        """One watch; with ``wait`` the server holds the answer up to so many seconds until the watch ends."""
        params = {"wait": str(wait)} if wait else {}
        return self._object(await self._send("GET", f"/v1/watches/{_segment(watch_id)}", params=params), "watch")

    async def stream(self, watch_id: str, *, patience: float = _FIRST_EVENT) -> AsyncGenerator[JsonObject, None]:
        """One watch at once, and again whenever it shows something new, until it has ended or the connection breaks.

        :param patience: how long to wait for the first event, seconds.
        :raises NoStreamError: there is none; ask with :meth:`watch`, which also says whether there is such a watch.
        """
        async with aclosing(await self._open_stream(watch_id, patience)) as response:
            watches = self._watches_of(response)
            try:
                async with asyncio.timeout(patience):
                    first = await anext(watches, None)
            except TimeoutError as error:
                raise NoStreamError("The first event does not come.") from error
            if first is not None:
                yield first
            async for watch in watches:
                yield watch

    async def cancel(self, watch_id: str) -> JsonObject:
        """Cancel a watch, or what is still pending of an ended one."""
        return self._object(await self._send("DELETE", f"/v1/watches/{_segment(watch_id)}"), "watch")

    async def outlook(self, watch_id: str) -> JsonObject:
        """When the video of a watch is looked at next, and why."""
        return self._object(await self._send("GET", f"/v1/watches/{_segment(watch_id)}/outlook"), "outlook")

    async def watches(self, filters: Mapping[str, str], *, limit: int | None = None) -> JsonObject:
        """Watches, newest first, as one list object; without ``limit`` all of them."""
        return await self._collect("/v1/watches", filters, limit)

    async def deliveries(self, filters: Mapping[str, str], *, limit: int | None = None) -> JsonObject:
        """Deliveries, newest first, as one list object; without ``limit`` all of them."""
        return await self._collect("/v1/deliveries", filters, limit)

    async def retry(self, delivery_id: str) -> JsonObject:
        """Send one delivery again now."""
        return self._object(await self._send("POST", f"/v1/deliveries/{_segment(delivery_id)}/retry"), "delivery")

    async def retry_failed(self, filters: JsonObject) -> JsonObject:
        """Send all failed deliveries that match again; ``{"retried": n}``."""
        response = await self._send("POST", "/v1/deliveries/retry", body={"status": "failed", **filters})
        return self._object(response, None)

    async def destinations(self) -> JsonObject:
        """All destinations that have a name, newest first, as one list object."""
        return await self._collect("/v1/destinations", {}, None)

    async def destination(self, name: str) -> JsonObject:
        """One destination."""
        return self._object(await self._send("GET", _destination(name)), "destination")

    async def create_destination(self, destination: JsonObject) -> JsonObject:
        """Store a destination under its name."""
        return self._object(await self._send("POST", "/v1/destinations", body=destination), "destination")

    async def change_destination(self, name: str, fields: JsonObject) -> JsonObject:
        """Change fields of a destination."""
        return self._object(await self._send("PATCH", _destination(name), body=fields), "destination")

    async def remove_destination(self, name: str, *, force: bool) -> JsonObject:
        """Delete a destination; ``{"id", "object", "deleted"}``."""
        params = {"force": "true"} if force else {}
        return self._object(await self._send("DELETE", _destination(name), params=params), "destination")

    async def test_destination(self, name: str) -> JsonObject:
        """Send a sample event to a destination; the attempt."""
        return self._object(await self._send("POST", f"{_destination(name)}/test"), None)

    async def rotate_destination(self, name: str) -> JsonObject:
        """Give a callback a new signing secret."""
        return self._object(await self._send("POST", f"{_destination(name)}/rotate"), "destination")

    async def providers(self) -> JsonObject:
        """All providers and how they stand, as one list object."""
        return self._object(await self._send("GET", "/v1/providers"), "list")

    async def _collect(self, path: str, filters: Mapping[str, str], limit: int | None) -> JsonObject:
        """Follow the pages of a list until ``limit`` rows, and merge them into one list object."""
        params = dict(filters)
        rows: list[JsonObject] = []
        while True:
            size = MAX_PAGE if limit is None else min(MAX_PAGE, limit - len(rows))
            page = self._object(await self._send("GET", path, params={**params, "limit": str(size)}), "list")
            rows += page["data"]
            if not page["has_more"] or not page["data"] or len(rows) == limit:
                break
            params["after"] = page["last_id"]
        first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return {**page, "data": rows, "first_id": first, "last_id": last}

    async def _send(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: JsonObject | None = None
    ) -> httpx.Response:
        # Arguments that are no UTF-8 arrive as lone surrogates: escaped here, so that the server names the field.
        query = f"?{urlencode(params, errors='surrogateescape')}" if params else ""
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        url = self._connection.url
        with self._reaching():
            response = await self._http.request(method, f"{url}{path}{query}", content=content, headers=headers)
        if not response.is_success:
            raise self._refusal(response)
        return response

    async def _open_stream(self, watch_id: str, patience: float) -> httpx.Response:
        url = f"{self._connection.url}/v1/watches/{_segment(watch_id)}/stream"
        timeout = httpx.Timeout(_SILENCE, connect=_CONNECT_TIMEOUT)
        request = self._http.build_request("GET", url, headers={"accept": _EVENTS}, timeout=timeout)
        try:
            async with asyncio.timeout(patience):
                with self._reaching():
                    response = await self._http.send(request, stream=True)
        except TimeoutError as error:
            raise NoStreamError("The stream does not begin.") from error
        if response.is_success and response.headers.get("content-type", "").startswith(_EVENTS):
            return response
        async with aclosing(response):
            if response.is_success or response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
                raise NoStreamError("There is no stream.")
            with self._reaching():
                await response.aread()
            raise self._refusal(response)

    async def _watches_of(self, response: httpx.Response) -> AsyncGenerator[JsonObject, None]:
        """The watches in a stream, until it ends or breaks: what that means shows when it is asked for again."""
        parser = EventParser()
        with suppress(httpx.RequestError):
            async for chunk in response.aiter_bytes():
                for data in parser.feed(chunk):
                    yield self._known(_parsed(data), "watch")

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """What comes between us and the server, in words."""
        url = self._connection.url
        try:
            yield
        except httpx.ConnectTimeout as error:
            reason = f"no connection within {_CONNECT_TIMEOUT:g} s"
            raise UnreachableError(_unreachable(url, reason)) from error
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{url} took the request but did not answer within {_READ_TIMEOUT:g} s.") from error
        except httpx.RequestError as error:
            raise UnreachableError(_unreachable(url, _reason(error))) from error

    def _object(self, response: httpx.Response, kind: str | None) -> JsonObject:
        return self._known(_json(response), kind)

    def _known(self, answer: JsonObject | None, kind: str | None) -> JsonObject:
        if answer is None or (kind is not None and answer.get("object") != kind):
            raise UnreachableError(
                f"What answers at {self._connection.url} is not a video-bridge server. Is BRIDGE_URL right?"
            )
        return answer

    def _refusal(self, response: httpx.Response) -> CommandError:
        status = response.status_code
        if response.is_redirect:
            target = response.headers.get("location", "another address")
            return CommandError(
                f"{self._connection.url} redirects to {target}: set BRIDGE_URL to where the server really is.",
                ExitCode.USAGE,
            )
        error = (_json(response) or {}).get("error")
        if not isinstance(error, dict):
            return RefusedError(f"{self._connection.url} answered with HTTP {status}. Is BRIDGE_URL right?", status)
        message = message_of(error, _parsed(response.request.content))
        return RefusedError(self._explain(status, message, response.headers.get("retry-after")), status)

    def _explain(self, status: int, message: str, retry_after: str | None) -> str:
        if status == httpx.codes.UNAUTHORIZED and self._connection.api_key is None:
            return f"{message} Set BRIDGE_API_KEY to one of the server's keys."
        if status == httpx.codes.UNAUTHORIZED:
            return f"{message} BRIDGE_API_KEY must be one of the server's keys, without its name and `:read`."
        if status == httpx.codes.TOO_MANY_REQUESTS and retry_after is not None:
            return f"{message} Try again in {retry_after} s."
        return message


def message_of(error: Mapping[str, Any], sent: Mapping[str, Any] | None = None) -> str:
    """One sentence for people of the API's error object, with the option it is about in front.

    :param sent: the body of the request.
    """
    message = str(error.get("message") or error.get("type") or "The server gave no reason.")
    message = message if message.endswith((".", "!", "?", ")")) else f"{message}."
    return sentence_of(message, error.get("param"), sent)


def _destination(name: str) -> str:
    return f"/v1/destinations/{_segment(name)}"


def _segment(identifier: str) -> str:
    """One path segment that no HTTP library folds away."""
    if not identifier:
        raise CommandError("The id is empty.", ExitCode.USAGE)
    segment = quote(identifier, safe="", errors="surrogateescape")
    return segment.replace(".", "%2E") if set(segment) == {"."} else segment


def _json(response: httpx.Response) -> JsonObject | None:
    return _parsed(response.content)


def _parsed(text: str | bytes) -> JsonObject | None:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _reason(error: httpx.RequestError) -> str:
    """What the operating system said where that is known: httpx's own words hide it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (ssl.SSLError, socket.gaierror)):
            return cause.strerror or str(cause)
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _unreachable(url: str, reason: str) -> str:
    return f"The server cannot be reached: {reason.rstrip('.')}. Is `video-bridge serve` running? BRIDGE_URL is {url}"
