"""What is wrong with a form, told in the labels that stand on it instead of the names that the API has for fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.errors import RequestError

REGISTRATION: Mapping[str, str] = {
    "video_id": "Video ids",
    "video_ids": "Video ids",
    "destinations": "Destinations",
    "callback_url": "Callback URL",
    "provider": "Provider",
    "timeout": "Give up after",
    "key": "Idempotency key",
    "metadata": "Metadata",
}
"""Of the form that registers watches."""
DESTINATION: Mapping[str, str] = {
    "name": "Name",
    "kind": "Kind",
    "url": "URL",
    "events": "Tell it of",
    "default": "Default",
    "secret": "Signing secret",
    "headers": "Headers",
    "preset": "Service",
    "api_key": "The service’s key",
    "from": "From",
    "to": "To",
    "template": "Template",
    "fallback": "Stand-in",
}
"""Of the form that adds a destination."""

_FIELD = re.compile(r"`(?P<name>[a-z_]+)(?:\[(?P<index>\d+)\])?`")
_FIRST = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form was refused.

    :param field: which is to be changed, as the form calls it; None when it is no single one.
    """

    message: str
    field: str | None


def problem_of(error: RequestError, labels: Mapping[str, str]) -> Problem:
    """A refusal in the words of a form.

    :param labels: of the form's fields.
    """
    first = _FIRST.match(error.param or "")
    field = first[0] if first and first[0] in labels else None
    message = _FIELD.sub(lambda found: _labelled(found, labels), error.message)
    if field is not None and message == error.message and not message[:1].isupper():
        # It says what is wrong, and not of what.
        message = f"“{labels[field]}”: {message}"
    return Problem(message, field)


def _labelled(found: re.Match[str], labels: Mapping[str, str]) -> str:
    if found["name"] not in labels:
        return found[0]
    entry = "" if found["index"] is None else f" (entry {int(found['index']) + 1})"
    return f"“{labels[found['name']]}”{entry}"
