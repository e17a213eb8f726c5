"""Signatures after Standard Webhooks 1.0.0, symmetric scheme ``v1``.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_MIN_BYTES, _MAX_BYTES = 24, 64
_NEW_BYTES = 32


def parse_secret(text: str) -> bytes:
    """The key in a secret's text.

    Strict where verifiers differ: without the prefix, padding or alphabet of the specification, some read another key
    out of the same text.

    :raises ValueError: it is not ``whsec_`` and base64 of 24 to 64 bytes. The message does not repeat the text.
    """
    if not text.startswith(_PREFIX):
        raise ValueError(f"a signing secret starts with {_PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"a signing secret is base64 after {_PREFIX}") from error
    if not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise ValueError(f"a signing secret holds {_MIN_BYTES} to {_MAX_BYTES} bytes, this one {len(key)}")
    return key


def new_secret() -> str:
    """A fresh random secret, as text."""
    return _as_text(secrets.token_bytes(_NEW_BYTES))


def derive_secret(master: bytes | str, url: str) -> str:
    """The secret of a callback that has none of its own: one URL always has the same, and no other URL has it."""
    key = master.encode() if isinstance(master, str) else master
    return _as_text(hmac.digest(key, b"callback-secret\0" + url.encode(), hashlib.sha256))


def sign(keys: Sequence[bytes | str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: one signature per key, the newest key first, separated by spaces.

    :param keys: keys, or secrets as text.
    :param timestamp: Unix seconds of this attempt.
    :param body: the exact bytes that are sent.
    :raises ValueError: a secret's text is not one.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(_signature(parse_secret(key) if isinstance(key, str) else key, content) for key in keys)


def headers(keys: Sequence[bytes | str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed request; arguments as for :func:`sign`."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(keys, message_id, timestamp, body),
    }


def _signature(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode("ascii")


def _as_text(key: bytes) -> str:
    return _PREFIX + base64.b64encode(key).decode("ascii")
