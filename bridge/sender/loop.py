"""The loop over the table of deliveries: claim, render once and store, send, record."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.clock import Clock
from bridge.egress import Door, Reply
from bridge.errors import EgressError, SecretsError
from bridge.ids import new_id
from bridge.loops import Bell, Loop
from bridge.metrics import Metrics
from bridge.models import Attempt, DeliveryStatus, Outcome, Reason, Trigger, Video
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address, Occasion, Verdict, judge_error
from bridge.outbox import conclude
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox
from bridge.store import deliveries, destinations
from bridge.store.database import Database
from bridge.store.deliveries import ClaimedDelivery, Conclusion

MAX_REPLY = 65_536
SHOWN_REPLY = 4_096
_LEASE_MARGIN = 30.0


@dataclass(frozen=True, slots=True)
class Doors:
    """The way out for destinations that strangers gave, and for the operator's own."""

    guarded: Door
    operator: Door

    def of(self, origin: str) -> Door:
        """The door for destinations of this origin."""
        return self.operator if origin == "environment" else self.guarded


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed delivery, its destination decrypted and its body rendered."""

    claim: ClaimedDelivery
    address: Address = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """One finished attempt. ``failure`` is for the operator's log alone: it may name addresses."""

    claim: ClaimedDelivery
    verdict: Verdict
    at: float
    duration: float
    reply: Reply | None = field(default=None, repr=False)
    failure: str | None = None


class Sender(Loop[Outgoing, Sent]):
    """Sends due deliveries, up to ``room`` at a time.

    :param timeout: one deadline over connect, headers and body of an attempt, seconds.
    :param links: makes the link to a watch, or None when no public URL is configured.
    :param chance: 0 to 1, lengthens waits.
    """

    name = "sender"

    def __init__(
        self,
        database: Database,
        doors: Doors,
        notifiers: Mapping[str, Notifier],
        box: SecretBox,
        *,
        clock: Clock,
        bell: Bell,
        schedule: RetrySchedule,
        timeout: float,
        metrics: Metrics,
        links: Callable[[str], str | None],
        room: int = 64,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(clock, bell)
        self._database = database
        self._doors = doors
        self._notifiers = notifiers
        self._box = box
        self._schedule = schedule
        self._timeout = timeout
        self._metrics = metrics
        self._links = links
        self._room = room
        self._chance = chance
        self._owner = new_id("sender")

    async def claim(self) -> Sequence[Outgoing]:
        """Lease due deliveries, render those that never were, and keep what was rendered before anything is sent."""
        room = self._room - len(self.in_flight)
        now = self._database.now()
        due = await self.next_due()
        if room <= 0 or due is None or due > now:
            return []
        async with self._database.write() as tx:
            claimed = await deliveries.claim(
                tx, limit=room, owner=self._owner, now=now, lease=self._timeout + _LEASE_MARGIN
            )
            barred = [each for each in claimed if not (each.enabled or each.manual)]
            await deliveries.conclude(tx, [_barred(each) for each in barred], [])
        ready = [self._prepare(each) for each in claimed if each.enabled or each.manual]
        fresh = {each.claim.id: each.body for each in ready if each is not None and each.claim.body is None}
        if fresh:
            async with self._database.write() as tx:
                await deliveries.store_bodies(tx, fresh, self._owner)
        return [each for each in ready if each is not None]

    async def work(self, item: Outgoing) -> Sent:
        """Make one attempt."""
        claim = item.claim
        notifier = self._notifiers[claim.kind]
        at = self._database.now()
        clocked = self._clock.monotonic()
        request = notifier.request(item.body, claim.event_id, item.address, at)
        try:
            reply = await self._doors.of(claim.origin).send(request, timeout=self._timeout, max_reply=MAX_REPLY)
        except EgressError as error:
            return Sent(
                claim, judge_error(error), at, self._clock.monotonic() - clocked, failure=error.detail or str(error)
            )
        verdict = notifier.judge(reply, self._database.now())
        return Sent(claim, verdict, at, self._clock.monotonic() - clocked, reply)

    async def record(self, results: Sequence[Sent]) -> None:
        """Write attempts and what follows from them as one commit."""
        now = self._database.now()
        made: list[tuple[Sent, Attempt]] = []
        conclusions: list[Conclusion] = []
        async with self._database.write() as tx:
            held = await deliveries.held(tx, [each.claim for each in results], self._owner)
            for each in results:
                if each.claim.id not in held:
                    self._log.warning("late_result", delivery=each.claim.id)
                    continue
                conclusion, outcome, reason = conclude(
                    each.claim, held[each.claim.id], each.verdict, self._schedule, now=now, jitter=self._chance()
                )
                conclusions.append(conclusion)
                made.append((each, _attempt(each, outcome, reason)))
            await deliveries.conclude(tx, conclusions, [(sent.claim.id, attempt) for sent, attempt in made])
            for each in results:
                if each.verdict.disable:
                    reason_word = str(each.verdict.reason)
                    await destinations.disable_target(tx, each.claim.target, each.claim.kind, reason_word, now)
        for sent, attempt in made:
            self._report(sent, attempt, now)

    async def release(self, items: Sequence[Outgoing]) -> None:
        """Make deliveries due again whose attempt was cut; no attempt is burnt."""
        async with self._database.write() as tx:
            await deliveries.release(tx, [item.claim for item in items], self._owner, self._database.now())

    async def next_due(self) -> float | None:
        """When the next delivery is due; None while there is no room, a result will wake the loop."""
        if len(self.in_flight) >= self._room:
            return None
        async with self._database.read() as tx:
            return await deliveries.next_due(tx)

    def _prepare(self, claim: ClaimedDelivery) -> Outgoing | None:
        """Decrypt and render. What this process cannot do is left to its lease: a fault of ours, no attempt."""
        if claim.kind not in self._notifiers:
            self._log.error("destination_kind_unknown", delivery=claim.id, kind=claim.kind)
            return None
        try:
            settings = json.loads(self._box.decrypt(claim.config, f"destinations.{claim.destination_id}"))
            address = Address(settings["url"], settings)
            body = claim.body
            if body is None:
                body = self._notifiers[claim.kind].render(self._occasion(claim), address)
        except SecretsError as error:
            self._log.error("destination_unreadable", delivery=claim.id, error=str(error))
            return None
        except Exception as error:  # a bug in preparing one delivery must not stop the others
            self._log.error("preparing_failed", delivery=claim.id, exc_info=error)
            return None
        return Outgoing(claim, address, body)

    def _occasion(self, claim: ClaimedDelivery) -> Occasion:
        return Occasion(
            event_id=claim.event_id,
            event_type=claim.event_type,
            created_at=claim.event_at,
            video=Video.from_dict(claim.video),
            watch_id=claim.watch_id,
            watch_url=self._links(claim.watch_id),
            provider=claim.provider,
            metadata=claim.watch_metadata,
        )

    def _report(self, sent: Sent, attempt: Attempt, now: float) -> None:
        claim = sent.claim
        self._metrics.attempted(claim.kind, attempt.outcome, attempt.reason)
        if attempt.outcome is Outcome.DELIVERED:
            self._metrics.delivered(max(0.0, now - claim.event_at))
        log = self._log.info if attempt.outcome is Outcome.DELIVERED else self._log.warning
        log(
            "attempt",
            delivery=claim.id,
            watch=claim.watch_id,
            number=attempt.number,
            outcome=attempt.outcome.value,
            reason=attempt.reason and attempt.reason.value,
            status=attempt.status,
            duration_ms=attempt.duration_ms,
            detail=sent.failure,
        )


def _barred(claim: ClaimedDelivery) -> Conclusion:
    """A delivery whose target is disabled is kept, to be retried by hand."""
    return Conclusion(
        id=claim.id,
        status=DeliveryStatus.FAILED,
        reason=Reason.DISABLED,
        step=claim.step,
        next_at=None,
        delivered_at=None,
        manual_done=claim.manual_done,
        attempts=claim.attempts,
    )


def _attempt(sent: Sent, outcome: Outcome, reason: Reason | None) -> Attempt:
    return Attempt(
        number=sent.claim.attempts + 1,
        at=sent.at,
        duration_ms=round(sent.duration * 1000),
        outcome=outcome,
        reason=reason,
        status=None if sent.reply is None else sent.reply.status,
        response=None if sent.reply is None else _shown(sent.reply.body),
        trigger=Trigger.MANUAL if sent.claim.manual else Trigger.SCHEDULE,
    )


def _shown(body: bytes) -> str:
    """The beginning of an answer as text that every database takes."""
    return body[:SHOWN_REPLY].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
