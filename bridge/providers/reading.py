"""A provider's reply read as a video, whatever dialect of the Videos API it speaks.

Only a JSON object with a string ``status`` is required. Servers differ in the rest:

- vLLM-Omni numbers its error codes (https://github.com/vllm-project/vllm-omni), SGLang leaves them out
  (https://github.com/sgl-project/sglang);
- new-api states milliseconds (https://docs.newapi.pro/en/docs/api/ai-model/videos/sora/get-video);
- OpenRouter gives the error as a string and has more words for a bad end (https://openrouter.ai/docs/api_reference/videos);
- LiteLLM's progress may be null, and the id it answers another than the one asked for (https://github.com/BerriAI/litellm).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bridge.models import Video, VideoError, VideoStatus
from bridge.providers.parsing import Unreadable, clean_label, clean_number, clean_text, parse_json

__all__ = ["Unreadable", "read_error", "read_video"]

_SUCCEEDED = frozenset({"completed", "succeeded", "success", "done"})
_FAILED = frozenset({"failed", "error", "cancelled", "canceled", "expired", "deleted", "rejected"})
_QUEUED = frozenset({"queued", "pending", "submitted", "notstart", "notstarted"})

_MAX_PROMPT = 32_000
_MAX_MESSAGE = 4_096
_MAX_TEXT = 512
_MAX_ERROR_DEPTH = 3
# Beyond this many seconds (the year 5138) a timestamp is in milliseconds.
_MAX_TIMESTAMP = 1e11


def read_video(video_id: str, reply: bytes | object) -> Video:
    """The video that a reply describes.

    :param video_id: the id it was asked for. The reply's own ``id`` is not looked at.
    :param reply: the body of an answer, or one already parsed object of a list.
    :raises Unreadable: when it is not a JSON object with a string ``status``.
    """
    fields = parse_json(reply) if isinstance(reply, bytes) else reply
    if not isinstance(fields, dict):
        raise Unreadable("the reply is not a JSON object")
    if not isinstance(fields.get("status"), str):
        raise Unreadable("the reply has no status")
    word = re.sub(r"[\s_-]", "", fields["status"]).lower()
    status = _status(word)
    return Video(
        id=video_id,
        status=status,
        model=clean_text(fields.get("model"), _MAX_TEXT),
        progress=_progress(fields.get("progress")),
        created_at=_timestamp(fields.get("created_at")) or _timestamp(fields.get("created")),
        completed_at=_timestamp(fields.get("completed_at")),
        expires_at=_timestamp(fields.get("expires_at")),
        prompt=clean_text(fields.get("prompt"), _MAX_PROMPT),
        remixed_from_video_id=clean_text(fields.get("remixed_from_video_id"), _MAX_TEXT),
        seconds=_seconds(fields.get("seconds")),
        size=clean_text(fields.get("size"), _MAX_TEXT),
        # Some servers fill `error` of a video that is well; it would read like a failure wherever we show it.
        error=(read_error(fields.get("error")) or _unexplained(word)) if status is VideoStatus.FAILED else None,
    )


def read_error(value: object, *, longest: int = _MAX_MESSAGE, depth: int = _MAX_ERROR_DEPTH) -> VideoError | None:
    """The code and message of an error, or None when it says neither.

    A string is the message. Objects may wrap one another (``{"error": {"message": …}}``, ``{"detail": …}``, a list of
    them); of several codes the innermost counts.

    :param longest: where the message is cut.
    :param depth: how many wrappings are opened.
    """
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str):
        message = clean_text(value, longest)
        return None if message is None else VideoError(message=message)
    if not isinstance(value, dict) or depth == 0:
        return None
    names = ("message", "error", "detail", "msg")
    parts = (read_error(value.get(name), longest=longest, depth=depth - 1) for name in names)
    inner = next((part for part in parts if part is not None), VideoError())
    error = VideoError(inner.code or clean_label(value.get("code"), _MAX_TEXT), inner.message)
    return None if error == VideoError() else error


def _status(word: str) -> VideoStatus:
    if word in _SUCCEEDED:
        return VideoStatus.COMPLETED
    if word in _FAILED:
        return VideoStatus.FAILED
    return VideoStatus.QUEUED if word in _QUEUED else VideoStatus.IN_PROGRESS


def _unexplained(word: str) -> VideoError:
    """What is said about a video that ended badly without an error."""
    if word == "failed":
        return VideoError(word, "The provider reported the video as failed without saying why.")
    return VideoError(word, f"The provider reported the status {word!r}.")


def _progress(value: object) -> int | None:
    percent = clean_number(value.strip().removesuffix("%") if isinstance(value, str) else value)
    return None if percent is None else int(min(max(percent, 0), 100))


def _seconds(value: object) -> str | None:
    if not isinstance(value, str) and (clean_number(value) or 0) < 0:
        return None
    return clean_label(value, _MAX_TEXT)


def _timestamp(value: object) -> int | None:
    """Unix seconds from seconds, milliseconds, either as a string, or ISO 8601 (without a zone it is UTC)."""
    seconds = clean_number(value)
    if seconds is not None and seconds > _MAX_TIMESTAMP:
        seconds /= 1000
    if seconds is None and isinstance(value, str):
        seconds = _iso_seconds(value)
    # Go's zero time is the year 1, an unset integer 0: both mean "not known".
    return int(seconds) if seconds is not None and 1 <= seconds <= _MAX_TIMESTAMP else None


def _iso_seconds(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
