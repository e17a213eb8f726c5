"""One attempt: a request through the right door, and what the answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from bridge.clock import Clock
from bridge.egress import Door, Reply
from bridge.errors import EgressError
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address, Verdict, judge_error
from bridge.sender.masking import LONGEST, masked, secrets_of
from bridge.sender.network import Network

MAX_REPLY = 65_536
SHOWN_REPLY = 4_096


@dataclass(frozen=True, slots=True)
class Doors:
    """The way out for destinations that strangers gave, and for the operator's own.

    :param mail_urls: the operator's own mail service, which e-mail destinations of others may lean on.
    """

    guarded: Door
    operator: Door
    mail_urls: frozenset[str] = field(default=frozenset(), repr=False)

    def of(self, kind: str, origin: str, url: str) -> Door:
        """The door for a destination of this kind, origin and URL."""
        leans = kind == "email-webhook" and url in self.mail_urls
        return self.operator if origin == "environment" or leans else self.guarded


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to. ``failure`` is for the operator's log alone: it may name addresses.

    :param at: when it began, Unix seconds; ``duration`` in seconds.
    :param lesser_body: what to send in place of a body that the receiver refused.
    :param secrets: what must not be shown of the reply although the receiver repeats it.
    """

    verdict: Verdict
    at: float
    duration: float
    reply: Reply | None = field(default=None, repr=False)
    failure: str | None = None
    lesser_body: bytes | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def status(self) -> int | None:
        """The HTTP status, None when there was no answer."""
        return None if self.reply is None else self.reply.status

    @property
    def shown(self) -> str | None:
        """The beginning of the answer's body as text that every database takes, without our secrets."""
        if self.reply is None:
            return None
        # More than is shown, so that no half of a secret stands at the end.
        text = self.reply.body[: SHOWN_REPLY + LONGEST].decode("utf-8", "replace")
        shown = masked(text.replace("\0", "\N{REPLACEMENT CHARACTER}"), self.secrets)
        return shown if len(self.reply.body) <= SHOWN_REPLY else shown.encode()[:SHOWN_REPLY].decode("utf-8", "replace")


class Attempter:
    """Makes single attempts.

    :param timeout: one deadline over connect, headers and body, seconds.
    """

    def __init__(self, doors: Doors, notifiers: Mapping[str, Notifier], clock: Clock, timeout: float) -> None:
        self._doors = doors
        self._notifiers = notifiers
        self._clock = clock
        self.timeout = timeout
        self._network = Network()

    async def attempt(self, kind: str, origin: str, event_id: str, address: Address, body: bytes) -> Answer:
        """Send a body once. Never raises for what the receiver or the network does: that is the answer."""
        notifier = self._notifiers[kind]
        at = self._clock.now()
        clocked = self._clock.monotonic()
        try:
            request = notifier.request(body, event_id, address, at)
            reply = await self._doors.of(kind, origin, address.url).send(
                request, timeout=self.timeout, max_reply=MAX_REPLY
            )
        except EgressError as error:
            ended = self._clock.monotonic()
            verdict = judge_error(error)
            if verdict.reason is not None:
                host = urlsplit(address.url).hostname or ""
                verdict = replace(verdict, reason=self._network.judged(host, verdict.reason, ended))
            return Answer(verdict, at, ended - clocked, failure=error.detail or str(error))
        self._network.reached()
        verdict = notifier.judge(reply, self._clock.now(), address)
        lesser = notifier.degrade(body) if verdict.degrade else None
        return Answer(
            verdict,
            at,
            self._clock.monotonic() - clocked,
            reply,
            lesser_body=lesser,
            secrets=secrets_of(kind, request, address.settings) if reply.body else (),
        )
