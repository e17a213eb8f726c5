"""The loop over the table of deliveries: claim, render once and keep, send, record."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.clock import Clock
from bridge.errors import SecretsError, StoreUnavailableError
from bridge.ids import new_id
from bridge.loops import Bell, Loop
from bridge.metrics import Metrics
from bridge.models import Attempt, DeliveryStatus, Outcome, Reason, Trigger, Video
from bridge.notifiers.base import Address, Verdict
from bridge.outbox import conclude
from bridge.rendering import Told
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox
from bridge.sender.attempting import Answer, Attempter
from bridge.sender.bodies import BodyKeeper
from bridge.sender.composing import Composer, UnrenderableError
from bridge.store import deliveries, destinations, targets
from bridge.store.database import Database, Transaction
from bridge.store.deliveries import ClaimedDelivery, Conclusion

_LEASE_MARGIN = 30.0
_UNRENDERABLE = Verdict(Outcome.FAILED, Reason.RENDER)


@dataclass(frozen=True, slots=True)
class Sent:
    """One finished attempt."""

    claim: ClaimedDelivery
    answer: Answer


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing was sent, for a reason of our own: the lease is left to run out, and no attempt is burnt."""

    claim: ClaimedDelivery


class Sender(Loop[ClaimedDelivery, Sent | Unsent]):
    """Sends due deliveries, up to ``room`` at a time.

    :param gaps: by kind, the least time between two messages to one target, seconds.
    :param links: makes the link to a watch, or None when no public URL is configured.
    :param chance: 0 to 1, lengthens waits.
    """

    name = "sender"

    def __init__(
        self,
        database: Database,
        attempter: Attempter,
        gaps: Mapping[str, float],
        composer: Composer,
        box: SecretBox,
        *,
        clock: Clock,
        bell: Bell,
        schedule: RetrySchedule,
        metrics: Metrics,
        links: Callable[[str], str | None],
        room: int = 64,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(clock, bell)
        self._database = database
        self._attempter = attempter
        self._gaps = gaps
        self._composer = composer
        self._box = box
        self._schedule = schedule
        self._metrics = metrics
        self._links = links
        self._room = room
        self._chance = chance
        self._owner = new_id("sender")
        self._bodies = BodyKeeper(database, self._owner)

    async def claim(self) -> Sequence[ClaimedDelivery]:
        """Lease due deliveries, but for those whose target is disabled or must be left alone for now."""
        room = self._room - len(self.in_flight)
        now = self._database.now()
        due = await self.next_due()
        if room <= 0 or due is None or due > now:
            return []
        async with self._database.write() as tx:
            claimed = await deliveries.claim(
                tx, limit=room, owner=self._owner, now=now, lease=self._attempter.timeout + _LEASE_MARGIN
            )
            barred = [each for each in claimed if not (each.enabled or each.manual)]
            await deliveries.conclude(tx, [_barred(each) for each in barred], [])
            ready = [each for each in claimed if each.enabled or each.manual]
            later = await targets.take_turns(tx, ready, self._gaps, now)
            await deliveries.postpone(tx, later)
        return [each for each in ready if each.id not in later]

    async def work(self, item: ClaimedDelivery) -> Sent | Unsent:
        """Make one attempt, after rendering what was never rendered and keeping that."""
        try:
            address = self._open(item)
            body = item.body
            if body is None:
                rendered = await self._composer.compose(item.kind, self._told(item), address)
                await self._bodies.keep(item.id, rendered)
                body = rendered.body
        except UnrenderableError as error:
            return Sent(item, Answer(_UNRENDERABLE, self._database.now(), 0.0, failure=str(error)))
        except (SecretsError, StoreUnavailableError) as error:
            self._log.error("not_sent", delivery=item.id, error=str(error))
            return Unsent(item)
        except Exception as error:  # a bug in preparing one delivery must not become an attempt, nor stop the others
            self._log.error("preparing_failed", delivery=item.id, exc_info=error)
            return Unsent(item)
        return Sent(item, await self._attempter.attempt(item.kind, item.origin, item.event_id, address, body))

    async def record(self, results: Sequence[Sent | Unsent]) -> None:
        """Write attempts and what follows from them as one commit."""
        now = self._database.now()
        made: list[tuple[Sent, Attempt]] = []
        conclusions: list[Conclusion] = []
        sent = [each for each in results if isinstance(each, Sent)]
        async with self._database.write() as tx:
            held = await deliveries.held(tx, [each.claim for each in sent], self._owner)
            for each in sent:
                if each.claim.id not in held:
                    self._log.warning("late_result", delivery=each.claim.id)
                    continue
                conclusion, outcome, reason = conclude(
                    each.claim,
                    held[each.claim.id],
                    each.answer.verdict,
                    self._schedule,
                    now=now,
                    jitter=self._chance(),
                    lesser_body=each.answer.lesser_body,
                )
                conclusions.append(conclusion)
                made.append((each, _attempt(each, outcome, reason)))
            await deliveries.conclude(tx, conclusions, [(each.claim.id, attempt) for each, attempt in made])
            for each in sent:
                await self._teach_target(tx, each, now)
        for each, attempt in made:
            self._report(each, attempt, now)

    async def _teach_target(self, tx: Transaction, sent: Sent, now: float) -> None:
        """What an answer means for everything else that goes to the same target."""
        verdict, claim = sent.answer.verdict, sent.claim
        if verdict.disable:
            await destinations.disable_target(tx, claim.target, claim.kind, str(verdict.reason), now)
        if verdict.retry_after and claim.kind in self._gaps:
            await targets.hold(tx, claim.target, claim.kind, now + verdict.retry_after)

    async def release(self, items: Sequence[ClaimedDelivery]) -> None:
        """Make deliveries due again whose attempt was cut; no attempt is burnt."""
        async with self._database.write() as tx:
            await deliveries.release(tx, items, self._owner, self._database.now())

    async def next_due(self) -> float | None:
        """When the next delivery is due; None while there is no room, a result will wake the loop."""
        if len(self.in_flight) >= self._room:
            return None
        async with self._database.read() as tx:
            return await deliveries.next_due(tx)

    def _open(self, claim: ClaimedDelivery) -> Address:
        """The destination's own settings.

        :raises SecretsError: they cannot be decrypted with the keys at hand.
        """
        settings = json.loads(self._box.decrypt(claim.config, f"destinations.{claim.destination_id}"))
        return Address(settings["url"], settings)

    def _told(self, claim: ClaimedDelivery) -> Told:
        return Told(
            event_id=claim.event_id,
            event_type=claim.event_type,
            created_at=claim.event_at,
            video=Video.from_dict(claim.video),
            watch_id=claim.watch_id,
            watch_created_at=claim.watch_created_at,
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
            detail=sent.answer.failure,
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
    answer = sent.answer
    return Attempt(
        number=sent.claim.attempts + 1,
        at=answer.at,
        duration_ms=round(answer.duration * 1000),
        outcome=outcome,
        reason=reason,
        status=answer.status,
        response=answer.shown,
        trigger=Trigger.MANUAL if sent.claim.manual else Trigger.SCHEDULE,
    )
