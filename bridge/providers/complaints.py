"""What a provider says beside a status that is no success, fit for logs and the API.

Servers shape it as ``{"error": {…}}``, ``{"detail": …}``, ``{"code", "message"}`` or an HTML page, and some repeat the
key they were sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from bridge.models import VideoError
from bridge.providers.parsing import Unreadable, parse_json
from bridge.providers.reading import read_error

_MAX_LENGTH = 200
# Shorter values are no secrets, and hiding each "1" would make nonsense of a message.
_SHORTEST_HIDDEN = 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+")


def read_complaint(body: bytes) -> VideoError:
    """The code and message of an answer that is no success; both None where it has none we can read."""
    try:
        # Whole, because half a key could no longer be hidden.
        return read_error(parse_json(body), longest=len(body) + 1) or VideoError()
    except Unreadable:
        return VideoError()


class Mask:
    """Hides what a request carried from texts that are shown.

    :param values: the key, and the values of configured headers and query parameters.
    """

    def __init__(self, values: Iterable[str]) -> None:
        words = {word for value in values for word in (_one_line(value), *value.split())}
        forms = {
            form for word in words for form in (word, quote(word, safe=""), quote_plus(word), json.dumps(word)[1:-1])
        }
        # The longest first, so that no part of a value is left standing where a shorter one begins it.
        hidden = sorted((form for form in forms if len(form) >= _SHORTEST_HIDDEN), key=len, reverse=True)
        self._hidden = re.compile("|".join(map(re.escape, hidden)), re.IGNORECASE) if hidden else None

    def __call__(self, text: str) -> str:
        """The text on one line, without the values, at most 200 characters."""
        shown = self.hide(_one_line(text))
        return shown if len(shown) <= _MAX_LENGTH else shown[: _MAX_LENGTH - 1] + "…"

    def hide(self, text: str) -> str:
        """The text as it is, without the values."""
        return text if self._hidden is None else self._hidden.sub("***", text)


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()
