"""A page of a provider's list, read tolerantly: ``GET {base_url}/videos?limit=100&order=desc&after=…``.

Servers differ here more than in single videos. SGLang sends ``data`` and nothing beside it; LiteLLM's ``last_id`` is
the id of the server behind it while ``data`` has ids of its own, and a page may be empty although more follows, because
rows of others were taken out. So only ``data`` is required; everything else is made up where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from bridge.models import SlowDown, Trouble, Video
from bridge.providers.parsing import Unreadable, parse_rows
from bridge.providers.reading import read_error, read_video

PAGE_SIZE = 100
"""The most rows the API gives at once."""
MAX_PAGE = 16 * 2**20
"""How much of a page is read, bytes."""
_LONGEST_ID = 512


def _as_it_is(video: Video) -> Video:
    return video


@dataclass(slots=True)
class ListedRow:
    """One row: the id it is listed under, and what else it says, unread.

    Nobody changes it; it is not frozen because those take three times as long to make.

    :param clean: takes out of a video what nobody is to be told.
    """

    id: str
    fields: Mapping[str, Any] = field(repr=False)
    clean: Callable[[Video], Video] = field(default=_as_it_is, repr=False, compare=False)

    def video(self) -> Video | None:
        """The row read like the answer to a single look; None when it is no video."""
        try:
            return self.clean(read_video(self.id, self.fields))
        except Unreadable:
            return None

    @property
    def explained(self) -> bool:
        """Whether it says why a video failed."""
        return read_error(self.fields.get("error")) is not None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page, the newest row first.

    :param cursor: what to name as ``after`` to get the rows that follow; None when nothing does.
    :param poll_after: the provider's wish for the time to the next look, seconds.
    """

    rows: tuple[ListedRow, ...]
    cursor: str | None = None
    poll_after: float | None = None


@dataclass(frozen=True, slots=True)
class ListRefused:
    """The provider does not list, or not like this; it says nothing about videos or our key's right to look at them."""

    detail: str


PageAnswer = Listed | ListRefused | SlowDown | Trouble


def read_page(
    body: bytes, limit: int, clean: Callable[[Video], Video] = _as_it_is
) -> tuple[tuple[ListedRow, ...], str | None]:
    """The rows of a page and the cursor to what follows.

    :param limit: how many rows were asked for; a full page that does not say whether more follows has more.
    :raises Unreadable: when it is not a JSON object with a list of ``data``.
    """
    page = parse_rows(body)
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise Unreadable("the reply is not a list of videos")
    data = page["data"]
    rows = tuple(ListedRow(each["id"], each, clean) for each in data if _is_row(each))
    has_more = page.get("has_more")
    if not (has_more if isinstance(has_more, bool) else len(data) >= limit):
        return rows, None
    last = page.get("last_id")
    return rows, last if _is_id(last) else (rows[-1].id if rows else None)


def _is_row(value: object) -> bool:
    return isinstance(value, dict) and _is_id(value.get("id")) and isinstance(value.get("status"), str)


def _is_id(value: object) -> TypeGuard[str]:
    """Whether somebody could have registered it; that keeps what cannot be stored or sent away from both."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable()
