"""What is known of a provider's list: does it work, may one turn its pages, are its endings to be believed?

Pure functions from one :class:`Listing` to the next; the caller keeps it in the database, for as long as the provider's
base URL stays. Whatever a list says or leaves out, single looks go on: nothing here can lose a video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bridge.models import SlowDown, Trouble
from bridge.providers.pages import Listed, ListRefused, PageAnswer

REFUSED_FOR = 3600.0
"""A provider that refuses to list is asked again after so long, seconds."""
TRUSTED_AFTER = 3
"""So many rows that end a job must have matched a single look before the next ones are believed unasked."""

_MADE_UP_FOR = 30
_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 600.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a provider's list. Times are Unix seconds.

    :param works: whether it ever gave a page since it last refused.
    :param cursors: False once a cursor was refused or led nowhere: then only the first page is read.
    :param off_until: nothing is listed before this moment.
    :param troubles: pages in a row that brought no usable answer.
    :param matched: how many rows that ended a job have matched a single look; far below 0 since one did not.
    """

    works: bool = False
    cursors: bool = True
    off_until: float = 0.0
    troubles: int = 0
    matched: int = 0

    def as_dict(self) -> dict[str, Any]:
        """A JSON object to keep."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Listing:
        """The inverse of :meth:`as_dict`."""
        return cls(**data)


def may_list(listing: Listing, now: float) -> bool:
    """Whether a page may be asked for now."""
    # A moment further off than any pause comes from a clock that was set back.
    return not 0 < listing.off_until - now <= REFUSED_FOR


def believed(listing: Listing) -> bool:
    """Whether rows are believed without a single look: those that end a job, and those that say it goes on."""
    return listing.matched >= TRUSTED_AFTER


def after_page(listing: Listing, answer: PageAnswer, after: str | None, now: float) -> Listing:
    """What is known once this answer has come back.

    :param after: what the page was to follow; None for the first page.
    """
    match answer:
        case Listed() if after is not None and leads_nowhere(answer, after):
            return replace(listing, cursors=False, troubles=0)
        case Listed():
            return listing if listing.works and not listing.troubles else replace(listing, works=True, troubles=0)
        case ListRefused() if after is not None:
            return replace(listing, cursors=False)
        case ListRefused():
            return Listing(off_until=now + REFUSED_FOR)
        case SlowDown():
            return listing
        case Trouble():
            pause = min(_FIRST_PAUSE * 2.0 ** min(listing.troubles, 8), _LONGEST_PAUSE)
            return replace(listing, troubles=listing.troubles + 1, off_until=now + pause)


def leads_nowhere(page: Listed, after: str) -> bool:
    """Whether a page that was to follow a row holds that row: the server does not turn pages, or the other way."""
    return page.cursor == after or any(row.id == after for row in page.rows)


def after_comparison(listing: Listing, matches: bool) -> Listing:
    """What is known once a single look has shown whether a row was right that said a job had ended, or had not.

    One that was wrong takes many that are right to make up for.
    """
    return replace(listing, matched=min(listing.matched + 1, TRUSTED_AFTER) if matches else -_MADE_UP_FOR)
