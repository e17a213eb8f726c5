"""Reading request bodies: never more than the limit, and only JSON."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from bridge.errors import InvalidRequestError, TooLargeError, UnsupportedMediaTypeError
from bridge.web.problems import validate
from bridge.web.strictjson import check_text, parse

MAX_BODY = 1024 * 1024
MAX_BATCH_BODY = 8 * MAX_BODY

# Larger bodies are decoded in a thread, so that one client's body does not hold up everybody else.
_LARGE = 32 * 1024

_JSON = re.compile(r"application/json|[a-z0-9.-]+/[a-z0-9._-]+\+json")

Model = TypeVar("Model", bound=BaseModel)
Decoded = TypeVar("Decoded")


async def read_model(request: Request, model: type[Model]) -> Model:
    """The body as a model.

    :raises TooLargeError: it is over 1 MiB; :raises UnsupportedMediaTypeError: it is no JSON;
    :raises InvalidRequestError: about the first thing that is wrong in it.
    """

    def decode(raw: bytes) -> Model:
        value = parse(raw)
        check_text(value)
        return validate(model, value)

    return await read(request, MAX_BODY, decode)


async def read_nothing(request: Request) -> None:
    """Make sure that no body came, or one that says nothing.

    :raises InvalidRequestError: it says something.
    """
    if (await read_bytes(request, MAX_BODY)).strip() not in (b"", b"{}"):
        raise InvalidRequestError("This route takes no body; leave it out.", code="unknown_field")


async def read(request: Request, limit: int, decode: Callable[[bytes], Decoded]) -> Decoded:
    """A JSON body of at most ``limit`` bytes, decoded; nothing is read of one that says it is larger."""
    check_media_type(request.headers)
    raw = await read_bytes(request, limit)
    return decode(raw) if len(raw) <= _LARGE else await asyncio.to_thread(decode, raw)


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body as it came.

    :raises TooLargeError: it is over ``limit`` bytes, by its own account or by count; the rest is left unread.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def check_media_type(headers: Headers) -> None:
    """Refuse a body that is not UTF-8 JSON as it is.

    :raises UnsupportedMediaTypeError: with the header that would be right.
    """
    media, *parameters = ",".join(headers.getlist("content-type")).lower().split(";")
    if not _JSON.fullmatch(media.strip()):
        raise _unsupported("Send JSON, with the header `Content-Type: application/json`.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise _unsupported("Send UTF-8, with the header `Content-Type: application/json`.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _unsupported("Send the body as it is, without a Content-Encoding.")


def _unsupported(message: str) -> UnsupportedMediaTypeError:
    return UnsupportedMediaTypeError(message, code="unsupported_media_type")


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"The body is over {limit // MAX_BODY} MiB; send less at once.", code="body_too_large")
