"""No order of claims, results, crashes, retries by hand and cancellations loses a delivery or sends one unasked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from bridge.models import Attempt, DeliveryStatus, Outcome, Reason, Trigger
from bridge.notifiers.base import Verdict
from bridge.outbox import conclude
from bridge.retry import RetrySchedule
from bridge.store import Database, deliveries, due, tables
from bridge.store.deliveries import ClaimedDelivery
from tests.clock import ManualClock
from tests.parts import database_url
from tests.store.rows import add_delivery

LEASE = 30.0
SCHEDULE = RetrySchedule((5.0, 30.0, 120.0))
VERDICTS = {
    "ok": Verdict(Outcome.DELIVERED),
    "again": Verdict(Outcome.RETRY, Reason.SERVER_ERROR),
    "later": Verdict(Outcome.RETRY, Reason.RATE_LIMITED, retry_after=600),
    "ours": Verdict(Outcome.RETRY, Reason.OWN_FAULT),
    "never": Verdict(Outcome.FAILED, Reason.GONE),
}
Answer = TypeVar("Answer")


@dataclass
class Known:
    """What must hold of one delivery, by what was done with it."""

    not_before: float = 0.0
    delivered: bool = False
    asked: bool = False
    cancelled: bool = False
    attempts: int = 0


class Deliveries(RuleBasedStateMachine):
    """Two senders and a person at one table of three deliveries."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.database = Database(database_url(Path(self.folder.name)), self.clock)
        self.known: dict[str, Known] = {}
        self.held: dict[str, list[ClaimedDelivery]] = {"one": [], "two": []}

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.finish()
        self.run(self.database.aclose())
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        async def add() -> None:
            async with self.database.write() as tx:
                for _ in range(3):
                    self.known[await add_delivery(tx, created_at=self.clock.now())] = Known()

        self.run(add())

    @rule(seconds=st.sampled_from([0.5, 5.0, 29.0, 31.0, 200.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule(owner=st.sampled_from(["one", "two"]), limit=st.integers(1, 3))
    def claims(self, owner: str, limit: int) -> None:
        for claim in self.run(self._claim(owner, limit)):
            known = self.known[claim.id]
            assert not known.cancelled, "a cancelled one was claimed"
            assert not known.delivered or known.asked, "one that was delivered was claimed again, unasked"
            assert claim.manual or self.clock.now() >= known.not_before, "a wait was undercut"
            self.held[owner].append(claim)

    @precondition(lambda self: any(self.held.values()))
    @rule(owner=st.sampled_from(["one", "two"]), verdict=st.sampled_from(sorted(VERDICTS)))
    def results_come(self, owner: str, verdict: str) -> None:
        claims, self.held[owner] = self.held[owner], []
        for claim in self.run(self._record(owner, claims, VERDICTS[verdict])):
            known = self.known[claim.id]
            known.attempts += 1
            if verdict == "ok":
                known.delivered, known.asked = True, False
            elif verdict == "later":
                known.not_before = self.clock.now() + 600

    @rule(owner=st.sampled_from(["one", "two"]))
    def dies(self, owner: str) -> None:
        self.held[owner] = []

    @rule(place=st.integers(0, 2))
    def is_asked_for_again(self, place: int) -> None:
        delivery_id = sorted(self.known)[place]
        known = self.known[delivery_id]
        if not known.cancelled:
            self.run(self._write(lambda tx: deliveries.ask_retry(tx, delivery_id, self.clock.now())))
            known.asked, known.not_before = True, 0.0

    @rule()
    def all_failed_are_replayed(self) -> None:
        statuses = self.run(self._statuses())
        self.run(
            self._write(
                lambda tx: deliveries.ask_retry_failed(tx, since=None, destination_id=None, now=self.clock.now())
            )
        )
        for delivery_id, (status, *_) in statuses.items():
            if status == DeliveryStatus.FAILED.value:
                self.known[delivery_id].asked, self.known[delivery_id].not_before = True, 0.0

    @rule(place=st.integers(0, 2))
    def is_cancelled(self, place: int) -> None:
        delivery_id = sorted(self.known)[place]
        status, watch_id, *_ = self.run(self._statuses())[delivery_id]
        self.run(self._write(lambda tx: deliveries.cancel_pending(tx, watch_id)))
        if status == DeliveryStatus.PENDING.value:
            self.known[delivery_id].cancelled = True

    @invariant()
    def whatever_is_pending_will_be_picked_up(self) -> None:
        for delivery_id, (status, _, next_at, attempts) in self.run(self._statuses()).items():
            assert (status != DeliveryStatus.PENDING.value) or next_at is not None
            assert attempts == self.known[delivery_id].attempts, "an attempt was lost or counted twice"

    def finish(self) -> None:
        """Once everything works again, nothing is left pending."""
        self.held = {"one": [], "two": []}
        for _ in range(4):
            self.run(self.clock.advance(1000))
            claims = self.run(self._claim("one", 3))
            self.run(self._record("one", claims, VERDICTS["ok"]))
        left = [status for status, *_ in self.run(self._statuses()).values()]
        assert DeliveryStatus.PENDING.value not in left

    async def _claim(self, owner: str, limit: int) -> list[ClaimedDelivery]:
        async with self.database.write() as tx:
            return await due.claim(tx, limit=limit, owner=owner, now=self.clock.now(), lease=LEASE)

    async def _record(self, owner: str, claims: list[ClaimedDelivery], verdict: Verdict) -> list[ClaimedDelivery]:
        now, recorded = self.clock.now(), []
        async with self.database.write() as tx:
            held = await deliveries.held(tx, claims, owner)
            for claim in claims:
                if claim.id not in held:
                    continue
                conclusion, outcome, reason = conclude(claim, held[claim.id], verdict, SCHEDULE, now=now, jitter=0.0)
                trigger = Trigger.MANUAL if claim.manual else Trigger.SCHEDULE
                attempt = Attempt(claim.attempts + 1, now, 1, outcome, reason, None, None, trigger)
                await deliveries.conclude(tx, [conclusion], [(claim.id, attempt)])
                recorded.append(claim)
        return recorded

    async def _write(self, work: Any) -> None:
        async with self.database.write() as tx:
            await work(tx)

    async def _statuses(self) -> dict[str, tuple[str, str, float | None, int]]:
        columns = tables.deliveries.c
        query = select(columns.id, columns.status, columns.watch_id, columns.next_at, columns.attempts)
        async with self.database.read() as tx:
            return {row[0]: tuple(row[1:]) for row in await tx.execute(query)}


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
