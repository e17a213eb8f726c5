"""Links to a video's files that anybody may open for a while: who has the link has the file."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.files import Variant

PATH = "/media/"
"""Where the links lead, on the public URL."""

_SIGNATURE_BYTES = 18  # 144 bits, and no padding in base64
_LETTERS = {Variant.VIDEO: "v", Variant.THUMBNAIL: "t"}
_VARIANTS = {letter: variant for variant, letter in _LETTERS.items()}
_TOKEN = re.compile(r"(?P<watch>watch_[0-9a-z]{26})\.(?P<letter>[vt])(?P<until>[0-9]{1,12})\.(?P<signature>[\w-]{24})")


@dataclass(frozen=True, slots=True)
class MediaToken:
    """What a genuine link stands for; ``until`` is when it ends to be good, Unix seconds."""

    watch_id: str
    variant: Variant
    until: int


class MediaLinks:
    """Makes links and reads them again.

    The token of a link names the watch, the file and the end of its life, signed with HMAC-SHA256 over a key that is
    derived from ``BRIDGE_SECRET_KEY``; nothing is stored for it. The same event always has the same link.

    :param keys: the first signs, all are accepted.
    :param public_url: how people reach this server, without a slash at the end; None: there are no links.
    :param lifetime: how long a link is good after its event, seconds.
    """

    def __init__(self, keys: Sequence[bytes], public_url: str | None, lifetime: float) -> None:
        self._keys = tuple(keys)
        self._public_url = public_url
        self._lifetime = lifetime

    def link(self, watch_id: str, variant: Variant, event_at: float) -> str | None:
        """The link to a file of a watch's video, None without a public URL."""
        if self._public_url is None:
            return None
        return f"{self._public_url}{PATH}{self.token(watch_id, variant, event_at)}"

    def token(self, watch_id: str, variant: Variant, event_at: float) -> str:
        """The part of a link that says what it is for."""
        said = f"{watch_id}.{_LETTERS[variant]}{int(event_at + self._lifetime)}"
        return f"{said}.{_signature(self._keys[0], said)}"

    def read(self, token: str) -> MediaToken | None:
        """What a token stands for; None when it is not one of ours. It may be too old: see ``until``."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        said, _, signature = token.rpartition(".")
        # All keys are compared, found or not.
        found = [hmac.compare_digest(_signature(key, said).encode(), signature.encode()) for key in self._keys]
        if not any(found):
            return None
        return MediaToken(match["watch"], _VARIANTS[match["letter"]], int(match["until"]))


def _signature(key: bytes, said: str) -> str:
    digest = hmac.digest(key, f"media.{said}".encode(), hashlib.sha256)[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).decode("ascii")
