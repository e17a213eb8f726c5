"""Receivers repeat what they were sent: a debugging page shows our headers, an error its own URL.

The beginning of every answer is stored and shown, so what is secret in the request is taken out of it first.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from bridge.egress import OutgoingRequest
from bridge.logs import MASK

LONGEST = 16_384
"""No form of a secret is longer than this, characters: that of a header is 4,096, and quoting trebles it."""

# Shorter values are flags and versions, and hiding each "1" would make nonsense of an answer.
_SHORTEST = 6
# What every request has, whoever receives it.
_PUBLIC = frozenset({"accept", "content-type", "user-agent", "idempotency-key"})
_SECRET_SETTINGS = ("secret", "previous_secret", "api_key")


def secrets_of(kind: str, request: OutgoingRequest, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer to this request must not be shown with, in every form it may be repeated in; the longest first.

    :param settings: of the destination; what they hold may be known to the receiver although it was not sent.
    """
    values = [*_of_url(kind, request.url), *_of_headers(request.headers)]
    values += [str(settings[name]) for name in _SECRET_SETTINGS if settings.get(name)]
    forms = {form for value in values for form in _forms(value) if len(form) >= _SHORTEST}
    return tuple(sorted(forms, key=len, reverse=True))


def masked(text: str, secrets: tuple[str, ...]) -> str:
    """The text without them."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _of_url(kind: str, url: str) -> Iterator[str]:
    """The query, whole and in parts; of Slack's URLs the path is the secret."""
    parts = urlsplit(url)
    if parts.query:
        yield parts.query
        yield from (value for _, value in parse_qsl(parts.query))
    if kind == "slack":
        yield parts.path
        yield parts.path.rpartition("/")[2]


def _of_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in _PUBLIC or name.lower().startswith("webhook-"):
            continue
        yield value
        scheme, _, credentials = value.partition(" ")
        yield credentials
        if scheme.lower() == "basic":
            yield _password(credentials)


def _password(credentials: str) -> str:
    """The password in ``Authorization: Basic``; empty when that is none."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _forms(value: str) -> tuple[str, ...]:
    return (
        value,
        value.removeprefix("whsec_"),
        quote(value, safe=""),
        quote(value),
        json.dumps(value)[1:-1],
        html.escape(value),
    )
