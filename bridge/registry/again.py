"""When a registration is one that was made before: keys, slots and digests, all pure.

Every digest is keyed with the installation's pepper: a key that we show is made of them, and what goes in may hold
somebody's password.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from bridge.models import WatchStatus

_WRITER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, check_circular=False, separators=(",", ":"))
_text = _WRITER.encode
_ENDED_WITHOUT_A_VERDICT = (WatchStatus.CANCELLED, WatchStatus.LOST, WatchStatus.TIMED_OUT)


class Again(Enum):
    """What a registration under a key that is already held means."""

    SAME = "the existing watch answers"
    ANEW = "a new watch takes the slot over"
    CONFLICT = "the key stands for something else"


class Digests:
    """Makes digests with one pepper."""

    def __init__(self, pepper: bytes) -> None:
        self._peppered = hmac.new(pepper, digestmod="sha256")

    def of(self, *parts: Any) -> str:
        """64 hex digits over the parts; the order of keys in an object does not count."""
        return self._over(_text(parts))

    # Each watch needs the next two. They are put together from texts, for the parts of a list make the encoder build
    # itself anew for each list: that took a third of both.

    def content(self, provider: str, video_id: str, destinations: Sequence[str], metadata: Mapping[str, str]) -> str:
        """What is registered: provider, video, destinations in any order, metadata. The timeout does not count."""
        told = ",".join([_text(each) for each in sorted(destinations)])
        about = ",".join([f"{_text(name)}:{_text(value)}" for name, value in sorted(metadata.items())])
        return self._over(f'["content",{_text(provider)},{_text(video_id)},[{told}],{{{about}}}]')

    def slot(self, created_by: str | None, key: str) -> str:
        """Who registers under which key."""
        return self._over(f'["slot",{"null" if created_by is None else _text(created_by)},{_text(key)}]')

    def _over(self, text: str) -> str:
        digest = self._peppered.copy()  # a third cheaper than to begin anew with the pepper
        digest.update(text.encode())
        return digest.hexdigest()


def judge_again(status: WatchStatus, *, same_content: bool) -> Again:
    """What follows from the watch that holds the slot.

    A watch that was cancelled, lost or timed out told nothing about the video itself, so asking again asks anew.
    """
    if not same_content:
        return Again.CONFLICT
    return Again.ANEW if status in _ENDED_WITHOUT_A_VERDICT else Again.SAME
