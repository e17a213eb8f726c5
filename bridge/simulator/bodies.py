"""What clients send, checked: bodies as JSON or as a form, and the parameters of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request

from bridge.errors import InvalidRequestError
from bridge.models import PageRequest, Video
from bridge.simulator.jobs import Order

_LONGEST_PROMPT = 32_000
_LARGEST_PAGE = 100
_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
_SIZE = re.compile(r"[1-9][0-9]{0,4}x[1-9][0-9]{0,4}")


async def read_body(request: Request) -> Mapping[str, Any]:
    """The fields of a JSON object or a form; files are read and dropped.

    :raises InvalidRequestError: when the body is neither.
    """
    if not request.headers.get("content-type", "").startswith("application/json"):
        async with request.form() as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("The body is not valid JSON.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    return body


def read_order(body: Mapping[str, Any]) -> Order:
    """The order of a new video; ``input_reference`` and unknown fields are ignored.

    :raises InvalidRequestError: with the field in ``param``.
    """
    defaults = Order("")
    return Order(
        prompt=_prompt(body),
        model=_text(body, "model", defaults.model),
        seconds=_matching(body, "seconds", defaults.seconds, _SECONDS, "a number of seconds, such as '4'"),
        size=_matching(body, "size", defaults.size, _SIZE, "width and height, such as '720x1280'"),
    )


def read_remix(body: Mapping[str, Any], source: Video) -> Order:
    """The order of a remix: a new prompt, everything else as in the video it starts from.

    :raises InvalidRequestError: with the field in ``param``.
    """
    defaults = Order("")
    return Order(
        prompt=_prompt(body),
        model=source.model or defaults.model,
        seconds=source.seconds or defaults.seconds,
        size=source.size or defaults.size,
        remixed_from_video_id=source.id,
    )


def read_page(query: QueryParams) -> PageRequest:
    """Which part of the list is asked for: newest first, 20 of them, unless told otherwise.

    :raises InvalidRequestError: with the parameter in ``param``.
    """
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not (limit.isascii() and limit.isdecimal() and len(limit) <= 3 and int(limit) <= _LARGEST_PAGE):
        raise InvalidRequestError(f"'limit' must be a number from 0 to {_LARGEST_PAGE}.", param="limit")
    if order not in ("asc", "desc"):
        raise InvalidRequestError("'order' must be 'asc' or 'desc'.", param="order")
    return PageRequest(limit=int(limit), after=query.get("after"), descending=order == "desc")


def _prompt(body: Mapping[str, Any]) -> str:
    prompt = _text(body, "prompt", "")
    if not 1 <= len(prompt) <= _LONGEST_PROMPT:
        message = f"'prompt' is required and has 1 to {_LONGEST_PROMPT} characters."
        raise InvalidRequestError(message, param="prompt")
    return prompt


def _text(body: Mapping[str, Any], name: str, default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidRequestError(f"'{name}' must be a string.", param=name)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(f"'{name}' is not valid Unicode.", param=name) from error
    return value


def _matching(body: Mapping[str, Any], name: str, default: str, pattern: re.Pattern[str], meaning: str) -> str:
    value = body.get(name)
    text = default if value is None else str(value)
    if not pattern.fullmatch(text):
        raise InvalidRequestError(f"'{name}' must be {meaning}.", param=name)
    return text
