"""One outgoing request, and what came back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from bridge.models import Reason


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """One request to send. URL, headers and body may hold secrets and stay out of its repr.

    Headers about the connection or the framing of the body are the door's own; given here they are ignored.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status.

    :param headers: names in lower case; the values of one that came several times are joined with ``", "``.
    :param body: decoded, as far as it was read.
    :param truncated: whether the body is not whole: it was over the limit, or ``body_error`` says what happened.
    :param body_error: why the body broke off, None when it did not; the status stands all the same.
    :param duration: from the call to the end of the reply, seconds.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    truncated: bool = False
    body_error: Reason | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """A reply whose body is still on its way.

    :param headers: as in :class:`Reply`.
    :param chunks: the body as it was sent, in pieces of any size; can be read once. Raises
        :class:`~bridge.errors.EgressError` where it breaks off or pauses for too long.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes] = field(repr=False)
