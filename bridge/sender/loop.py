"""The loop over the table of deliveries: claim, render once and keep, send, record."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from bridge.clock import Clock
from bridge.errors import SecretsError, StoreError, StoreUnavailableError
from bridge.ids import new_id
from bridge.loops import AT_A_TIME, PORTION, Bell, Loop
from bridge.metrics import Metrics
from bridge.models import Attempt, DeliveryStatus, EventType, Outcome, Reason, Trigger
from bridge.notifiers.base import Verdict
from bridge.outbox import conclude
from bridge.rendering import Links
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox
from bridge.sender.attempting import Answer, Attempter
from bridge.sender.bodies import BodyKeeper
from bridge.sender.composing import Composer, UnrenderableError
from bridge.sender.fairness import Shares
from bridge.sender.gating import Turned, Wait, admit, learn
from bridge.sender.preparing import Preparer
from bridge.store import backlog, deliveries, destinations, targets
from bridge.store import due as due_deliveries
from bridge.store.database import Database, Transaction
from bridge.store.deliveries import ClaimedDelivery, Conclusion

# For rendering before the attempt and for writing after it; what is not sent by then is not sent, seconds.
LEASE_MARGIN = 15.0
ROOM = 128
"""How many deliveries are under way at most unless told otherwise: a turn costs nearly the same for many as for few."""
_UNRENDERABLE = Verdict(Outcome.FAILED, Reason.RENDER)


@dataclass(frozen=True, slots=True)
class Sent:
    """One finished attempt.

    :param at: when it began, on the clock that waits are measured by.
    :param moved: by how much that had been moved when the work began.
    """

    claim: ClaimedDelivery
    answer: Answer
    at: float
    moved: float = 0.0


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing was sent, for a reason of our own: the lease is left to run out, and no attempt is burnt."""

    claim: ClaimedDelivery


class Sender(Loop[ClaimedDelivery, Sent | Unsent]):
    """Sends due deliveries, up to ``room`` at a time.

    :param gaps: by kind, the least time between two messages to one target, seconds.
    :param links: where people find a watch and its video's files, by the watch's id, event type and time of the event.
    :param chance: 0 to 1, lengthens waits.
    :param shown: rung when attempts were recorded, for those who look on.
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
        links: Callable[[str, EventType, float], Links],
        room: int = ROOM,
        chance: Callable[[], float] = random.random,
        shown: Bell | None = None,
    ) -> None:
        super().__init__(clock, bell)
        self.pressed = database.pressed
        self._shown = shown
        self._database = database
        self._attempter = attempter
        self._gaps = gaps
        self._preparer = Preparer(box, composer, links)
        self._schedule = schedule
        self._metrics = metrics
        self._room = room
        self._chance = chance
        self._owner = new_id("sender")
        self._lease = attempter.timeout + LEASE_MARGIN
        self._shares = Shares(room)
        self._bodies = BodyKeeper(database, self._owner)
        self._busy = False  # the last look at the table found something

    async def claim(self) -> Sequence[ClaimedDelivery]:
        """Lease due deliveries, but for those whose target is disabled or must be left alone for now."""
        items, _ = await self.take()
        return items

    async def take(self) -> tuple[Sequence[ClaimedDelivery], float | None]:
        """Claim, and say when the next delivery is due that there is a place for."""
        if not self._busy:  # nothing is written for a look at an empty table
            due = await self.next_due()
            if due is None or due > self._database.now():
                return [], due
        if len(self._tasks) >= self._room:
            return [], None
        try:
            items, due = await self._take(render=True)
        except StoreUnavailableError:
            raise
        except StoreError:  # the database refuses a body: each is rendered and kept by itself then
            items, due = await self._take(render=False)
        self._busy = bool(items)
        return items, due

    async def _take(self, *, render: bool) -> tuple[Sequence[ClaimedDelivery], float | None]:
        async with self._database.write() as tx:
            now = self._database.now()
            going = await self._claim(tx, now)
            if render:
                rendered = self._preparer.at_once(going)
                await deliveries.keep_bodies(tx, rendered)
                for each in going:
                    if each.id in rendered:
                        each.body = rendered[each.id].body
            return going, await self._next_due(tx, going)

    async def _claim(self, tx: Transaction, now: float) -> list[ClaimedDelivery]:
        held = self._held()
        claimed = await due_deliveries.claim(
            tx,
            limit=min(self._room - len(self.in_flight), PORTION if self.pressed() else self._room),
            owner=self._owner,
            now=now,
            lease=self._lease,
            places=lambda host: self._shares.of(host) - held[host],
        )
        barred = [each for each in claimed if not (each.enabled or each.manual)]
        await deliveries.conclude(tx, [_barred(each) for each in barred], [])
        await self._stand_in(tx, [_failed(each) for each in barred], now)
        ready = [each for each in claimed if each.enabled or each.manual]
        later = await self._admit(tx, ready, now)
        await backlog.postpone(tx, {row: (wait.until, wait.reason) for row, wait in later.items()})
        return [each for each in ready if each.id not in later]

    def _held(self) -> Counter[str]:
        """How many places each host holds."""
        return Counter(each.host for each in self._tasks.values())

    async def _admit(self, tx: Transaction, ready: Sequence[ClaimedDelivery], now: float) -> dict[str, Wait]:
        """Who must wait for their target, and until when."""
        queues: dict[tuple[str, str], list[ClaimedDelivery]] = defaultdict(list)
        for each in ready:
            queues[each.target, each.kind].append(each)
        rated = {target: kind for target, kind in queues if self._gaps.get(kind)}
        states = await targets.lock(tx, [target for target, _ in queues], rated=rated)
        later: dict[str, Wait] = {}
        changed = {}
        for (target, kind), queue in queues.items():
            admission = admit(queue, states[target], gap=self._gaps.get(kind, 0.0), now=now, lease=self._lease)
            later |= admission.wait
            shut = [wait.until for wait in admission.wait.values() if wait.reason is Reason.BREAKER_OPEN]
            if shut:  # the rest of the queue would only come to hear the same, a few at a time
                await backlog.hold_back(tx, target, max(shut), now)
            if admission.state != states[target]:
                changed[target, kind] = admission.state
        await targets.write(tx, changed)
        return later

    async def work(self, item: ClaimedDelivery) -> Sent | Unsent:
        """Make one attempt, after rendering what was never rendered and keeping that."""
        moved = self._database.clock.moved
        try:
            address = self._preparer.address(item)
            body = item.body
            if body is None:
                rendered = await self._preparer.compose(item, address)
                body = await self._bodies.keep(item.id, rendered)
        except UnrenderableError as error:
            now = self._database.now()
            return Sent(item, Answer(_UNRENDERABLE, now, 0.0, failure=str(error)), now, self._database.clock.moved)
        except (SecretsError, StoreUnavailableError) as error:
            self._log.error("not_sent", delivery=item.id, error=str(error))
            return Unsent(item)
        except Exception as error:  # a bug in preparing one delivery must not become an attempt, nor stop the others
            self._log.error("preparing_failed", delivery=item.id, exc_info=error)
            return Unsent(item)
        late = self._database.now() - (item.claimed_at + self._database.clock.moved - moved)
        if body is None or late > LEASE_MARGIN:
            # Somebody else has it by now, or may have it before this attempt is over.
            self._log.warning("lease_lost", delivery=item.id)
            return Unsent(item)
        began, moved = self._database.now(), self._database.clock.moved
        answer = await self._attempter.attempt(item.kind, item.origin, item.event_id, address, body)
        self._shares.answered(item.host, answer.duration, reached=answer.reply is not None)
        return Sent(item, answer, began, moved)

    async def record(self, results: Sequence[Sent | Unsent]) -> None:
        """Write attempts and what follows from them as one commit."""
        async with self._database.write() as tx:
            now = self._database.now()
            made, turned = await self._record(tx, results, now)
        if made and self._shown is not None:
            self._shown.ring()
        log = self._log.bind()  # once, not for every line
        for number, (each, attempt) in enumerate(made, 1):
            self._report(log, each, attempt, now)
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)
        for target, what in turned.items():
            self._log.warning(f"breaker_{what.value}", target=target[:12])

    async def _record(
        self, tx: Transaction, results: Sequence[Sent | Unsent], now: float
    ) -> tuple[list[tuple[Sent, Attempt]], dict[str, Turned]]:
        """Write attempts; what was written, and whose breakers turned."""
        made: list[tuple[Sent, Attempt]] = []
        conclusions: list[Conclusion] = []
        sent = [self._in_present_time(each) for each in results if isinstance(each, Sent)]
        held = await deliveries.held(tx, [each.claim for each in sent], self._owner)
        for each in sent:
            state = held.get((each.claim.id, each.claim.fence))
            if state is None:
                self._log.warning("late_result", delivery=each.claim.id)
                continue
            conclusion, outcome, reason = conclude(
                each.claim,
                state,
                each.answer.verdict,
                self._schedule,
                now=now,
                jitter=self._chance(),
                lesser_body=each.answer.lesser_body,
            )
            conclusions.append(conclusion)
            made.append((each, _attempt(each, outcome, reason)))
        await deliveries.conclude(tx, conclusions, [(each.claim.id, attempt) for each, attempt in made])
        dead = {each.id for each in conclusions if each.status is DeliveryStatus.FAILED}
        failed = [_failed(each.claim) for each, _ in made if each.claim.id in dead]
        turned = await self._learn(tx, sent, now)
        failed += await self._disable(tx, sent, now)
        await self._stand_in(tx, failed, now)
        return made, turned

    def _in_present_time(self, sent: Sent) -> Sent:
        """The same attempt, as if the clock had always been as it is now."""
        moved = self._database.clock.moved
        by = moved - sent.moved
        if not by:
            return sent
        return Sent(replace(sent.claim, claimed_at=sent.claim.claimed_at + by), sent.answer, sent.at + by, moved)

    async def _learn(self, tx: Transaction, sent: Sequence[Sent], now: float) -> dict[str, Turned]:
        """What answers mean for everything else that goes to the same targets; whose breakers turned."""
        results: dict[tuple[str, str], list[tuple[ClaimedDelivery, Verdict]]] = defaultdict(list)
        for each in sent:
            results[each.claim.target, each.claim.kind].append((each.claim, each.answer.verdict))
        states = await targets.lock(tx, [target for target, _ in results], rated={})
        changed, turned = {}, {}
        for (target, kind), its in results.items():
            state, what = learn(states[target], its, now, gap=self._gaps.get(kind, 0.0))
            if state != states[target]:
                changed[target, kind] = state
            if what is not None:
                turned[target] = what
            if state.opened_at is not None:
                await backlog.hold_back(tx, target, state.probe_at or now, now)
            elif what is Turned.CLOSED:
                await backlog.let_go(tx, target, now)
        await targets.write(tx, changed)
        return turned

    async def _disable(self, tx: Transaction, sent: Sequence[Sent], now: float) -> list[deliveries.FailedDelivery]:
        """Disable targets that are gone for good; what was given up with them."""
        gone = {each.claim.target: each for each in sent if each.answer.verdict.disable}
        failed = []
        for target, each in sorted(gone.items()):
            await destinations.disable_target(tx, target, each.claim.kind, str(each.answer.verdict.reason), now)
            failed += await backlog.fail_pending(tx, target)
        return failed

    async def _stand_in(self, tx: Transaction, failed: Sequence[deliveries.FailedDelivery], now: float) -> None:
        if failed and await backlog.stand_in(tx, failed, now):
            self._log.info("fallback_told", events=sorted({each.event_id for each in failed}))

    async def release(self, items: Sequence[ClaimedDelivery]) -> None:
        """Make deliveries due again whose attempt was cut; no attempt is burnt."""
        async with self._database.write() as tx:
            await deliveries.release(tx, items, self._owner, self._database.now())

    async def next_due(self) -> float | None:
        """When the next delivery is due; None while there is no room, a result will wake the loop."""
        if len(self._tasks) >= self._room:
            return None
        async with self._database.read() as tx:
            return await self._next_due(tx)

    async def _next_due(self, tx: Transaction, claimed: Sequence[ClaimedDelivery] = ()) -> float | None:
        """The same, with some that are claimed and not yet under way."""
        if len(self._tasks) + len(claimed) >= self._room:
            return None
        held = self._held()
        held.update(each.host for each in claimed)
        full = [host for host, number in held.items() if number >= self._shares.of(host)]
        return await due_deliveries.next_due(tx, full)

    def _report(self, log: FilteringBoundLogger, sent: Sent, attempt: Attempt, now: float) -> None:
        claim = sent.claim
        self._metrics.attempted(claim.kind, attempt.outcome, attempt.reason)
        if attempt.outcome is Outcome.DELIVERED:
            self._metrics.delivered(max(0.0, now - claim.event_at))
        tell = log.info if attempt.outcome is Outcome.DELIVERED else log.warning
        tell(
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


def _failed(claim: ClaimedDelivery) -> deliveries.FailedDelivery:
    return deliveries.FailedDelivery(claim.event_id, claim.event_type, claim.watch_id, claim.destination_id)


def _attempt(sent: Sent, outcome: Outcome, reason: Reason | None) -> Attempt:
    answer = sent.answer
    return Attempt(
        number=sent.claim.attempts + 1,
        at=sent.at,
        duration_ms=round(answer.duration * 1000),
        outcome=outcome,
        reason=reason,
        status=answer.status,
        response=answer.shown,
        trigger=Trigger.MANUAL if sent.claim.manual else Trigger.SCHEDULE,
    )
