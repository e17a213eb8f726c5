"""Signatures after Standard Webhooks 1.0.0, symmetric scheme ``v1``.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

_PREFIX = "whsec_"
_MIN_BYTES, _MAX_BYTES = 24, 64
_NEW_BYTES = 32
_LONGEST_STAMP = 12

TOLERANCE = 300
"""How old or new a signed message may be, seconds."""


class BadSignatureError(Exception):
    """A message is not what its sender signed, or not from now."""


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


def provider_keys(secret: str) -> list[bytes]:
    """The keys a provider's secret may stand for: verifiers read one without prefix as text or as base64."""
    if secret.startswith(_PREFIX):
        return [base64.b64decode(secret.removeprefix(_PREFIX))]
    try:
        return [secret.encode(), base64.b64decode(secret, validate=True)]
    except (binascii.Error, ValueError):
        return [secret.encode()]


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The id of a signed message.

    :param headers: names in lower case.
    :param now: Unix seconds.
    :raises BadSignatureError: a header is missing, none of the signatures fits, or it is older or newer than tolerated.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not stamp.isascii() or not stamp.isdigit() or len(stamp) > _LONGEST_STAMP:
        raise BadSignatureError("it lacks `webhook-id` or `webhook-timestamp`")
    if abs(now - int(stamp)) > TOLERANCE:
        raise BadSignatureError("its timestamp is more than five minutes off; do both clocks go right?")
    content = f"{message_id}.{stamp}.".encode() + body
    expected = [_signature(key, content).encode() for key in keys]
    given = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise BadSignatureError("its signature does not fit the secret")
    return message_id


def _signature(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode("ascii")


def _as_text(key: bytes) -> str:
    return _PREFIX + base64.b64encode(key).decode("ascii")
