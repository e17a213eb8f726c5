"""What every destination kind must be able to do, and the words its verdicts use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bridge.egress import OutgoingRequest, Reply
from bridge.errors import EgressError
from bridge.models import EventType, Outcome, Reason
from bridge.rendering.told import Told
from bridge.retry import parse_retry_after

ALL_EVENTS = tuple(EventType)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
# What belongs to the connection, to the body or to whoever sends it (RFC 9110 section 7.6.1, RFC 7540 section
# 3.2.1), and what turns a POST into another request where a framework believes it.
_RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    }
)
# The signature's (Standard Webhooks) and a proxy's.
_RESERVED_PREFIXES = ("webhook-", "proxy-")


def _check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not a header name")
        if _reserved(name):
            raise ValueError(f"the header {name} cannot be set")
        if len(value) > 4096 or not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of the header {name} must be at most 4,096 printable ASCII characters")
        if value != value.strip():  # no part of a value, RFC 9110 section 5.5
            raise ValueError(f"the value of the header {name} must not begin or end with a space")
    if len({name.lower().replace("_", "-") for name in headers}) != len(headers):
        raise ValueError("a header is named twice")
    return headers


def _reserved(name: str) -> bool:
    # CGI and its heirs (WSGI among them) do not tell `_` from `-`.
    plain = name.lower().replace("_", "-")
    return plain in _RESERVED_HEADERS or plain.startswith(_RESERVED_PREFIXES)


def _check_events(events: Sequence[EventType]) -> Sequence[EventType]:
    return [event for event in EventType if event in events]


Headers = Annotated[dict[str, str], Field(max_length=32), AfterValidator(_check_headers)]
Events = Annotated[list[EventType], Field(min_length=1, max_length=16), AfterValidator(_check_events)]


class DestinationBody(BaseModel):
    """What every destination of a request body has in common.

    :param events: which event types it is told; all of them when left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    events: Events = Field(default=list(ALL_EVENTS), description="Event types this destination is told.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer (or the lack of one) means for a delivery.

    ``retry_after`` in seconds from now, as the receiver asked; ``disable`` when the target is gone for good;
    ``degrade`` when a lesser form of the message, if the notifier can make one, deserves a try instead of this outcome.
    """

    outcome: Outcome
    reason: Reason | None = None
    retry_after: float | None = None
    disable: bool = False
    degrade: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A destination's own, decrypted configuration: where to send, and with which secrets."""

    url: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Notifier(Protocol):
    """One destination kind: makes a message of what a template gave, turns it into a request, judges the answer.

    ``seconds_per_message`` is the least time between two messages to one target; 0 where there is no such rule.
    """

    kind: str
    seconds_per_message: float

    def shared_secret(self, address: Address) -> str | None:
        """A secret of ours that the registrant must know to use this destination, or None."""
        ...

    def compose(self, parts: Mapping[str, str], told: Told, address: Address) -> bytes:
        """The body to store and send, of the rendered parts. Called once per delivery, before its first attempt.

        :param parts: what the template gave; empty for a kind that needs none.
        :raises Unfit: the receiver would not take it.
        """
        ...

    def degrade(self, body: bytes) -> bytes | None:
        """A lesser form of a stored body, for a receiver that refused it; None when there is none."""
        ...

    def request(self, body: bytes, event_id: str, address: Address, now: float) -> OutgoingRequest:
        """The request of one attempt: the stored body with a fresh timestamp and signatures."""
        ...

    def judge(self, reply: Reply, now: float, address: Address) -> Verdict:
        """What the receiver's answer means."""
        ...


def judge_error(error: EgressError) -> Verdict:
    """What it means that there was no usable answer: the same for every kind."""
    if error.reason is Reason.BLOCKED_ADDRESS:
        return Verdict(Outcome.FAILED, Reason.BLOCKED_ADDRESS)
    return Verdict(Outcome.RETRY, error.reason)


def reason_for_status(status: int) -> Reason:
    """The reason that stands for an HTTP status outside 2xx."""
    by_status = {401: Reason.AUTH, 403: Reason.AUTH, 407: Reason.AUTH, 410: Reason.GONE, 413: Reason.TOO_LARGE}
    by_status |= {429: Reason.RATE_LIMITED}
    if status in by_status:
        return by_status[status]
    if 300 <= status < 400:
        return Reason.REDIRECT
    if 400 <= status < 500:
        return Reason.CLIENT_ERROR
    return Reason.SERVER_ERROR if status >= 500 else Reason.BAD_REPLY


def retry_after_of(reply: Reply, now: float) -> float | None:
    """How long the receiver asked us to wait, seconds; None when it named no time."""
    return parse_retry_after(reply.headers, now)
