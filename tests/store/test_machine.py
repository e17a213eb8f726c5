"""No order of claims, results, expiries, deaths, retries by hand and cancellations loses a delivery, sends one unasked
or undercuts a wait: two senders, with breaker and disabling, at one table; only the requests are made up."""

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
from sqlalchemy import RowMapping, select

from bridge.egress import AddressPolicy, Door
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.models import DeliveryStatus, Outcome, Reason
from bridge.notifiers import create_notifiers
from bridge.notifiers.base import Verdict
from bridge.outbox import OWN_FAULT_DELAY
from bridge.rendering import Links, Sandbox
from bridge.retry import RetrySchedule
from bridge.secrets import SecretBox
from bridge.sender import Attempter, Composer, Doors, Sender
from bridge.sender.attempting import Answer
from bridge.sender.loop import Sent
from bridge.store import Database, deliveries, tables
from bridge.store.deliveries import ClaimedDelivery
from tests import postgres
from tests.clock import ManualClock
from tests.fuzz import FULL
from tests.parts import MASTER, PACKAGED, database_url
from tests.store.rows import add_delivery

DELAYS = (5.0, 30.0, 120.0)
ASKED = 100.0
VERDICTS = {
    "ok": Verdict(Outcome.DELIVERED),
    "again": Verdict(Outcome.RETRY, Reason.SERVER_ERROR),
    "later": Verdict(Outcome.RETRY, Reason.RATE_LIMITED, retry_after=ASKED),
    "ours": Verdict(Outcome.RETRY, Reason.OWN_FAULT),
    "never": Verdict(Outcome.FAILED, Reason.CLIENT_ERROR),
    "gone": Verdict(Outcome.FAILED, Reason.GONE, disable=True),
}
NUMBER = 6
OWNERS = st.sampled_from(["one", "two"])
PLACES = st.integers(0, NUMBER - 1)
PENDING = DeliveryStatus.PENDING.value
Result = TypeVar("Result")
TARGET = "t" * 64
DOOR = Door(AddressPolicy(anywhere=True))


@dataclass
class Known:
    """What must hold of one delivery, by what was done with it."""

    not_before: float = 0.0
    step: int = 0
    asked: int = 0
    answered: int = 0
    accepted: bool = False
    over: bool = False
    cancelled: bool = False
    attempts: int = 0


class Deliveries(RuleBasedStateMachine):
    """Two senders and a person at one table; all deliveries go to one target, whose breaker may be about to open."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.database = Database(self.url(), self.clock)
        self.known: dict[str, Known] = {}
        self.held: dict[str, list[ClaimedDelivery]] = {"one": [], "two": []}
        self.senders = {name: self.sender() for name in self.held}

    def url(self) -> str:
        return database_url(Path(self.folder.name))

    def sender(self) -> Sender:
        """One that is never let near a network: its answers are given by hand."""
        box = SecretBox((MASTER,))
        notifiers = create_notifiers(box, None)
        return Sender(
            self.database,
            Attempter(Doors(DOOR, DOOR), notifiers, self.clock, 15.0),
            {},
            Composer(notifiers, PACKAGED, Sandbox()),
            box,
            clock=self.clock,
            bell=Bell(),
            schedule=RetrySchedule(DELAYS),
            metrics=Metrics(),
            links=lambda *_: Links(),
            room=4,
            chance=lambda: 0.0,
        )

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            if self.known:
                self.finish()
        finally:
            self.run(self.database.aclose())
            self.loop.close()
            self.folder.cleanup()

    @initialize(failures=st.sampled_from([0, 8]))
    def begin(self, failures: int) -> None:
        async def add() -> None:
            async with self.database.write() as tx:
                for _ in range(NUMBER):
                    self.known[await add_delivery(tx, target=TARGET, created_at=self.clock.now())] = Known()
                await tx.execute(tables.targets.insert().values(target=TARGET, kind="callback", failures=failures))

        self.run(add())

    @rule(seconds=st.sampled_from([0.5, 5.0, 29.0, 31.0, 100.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule(owner=OWNERS)
    def claims(self, owner: str) -> None:
        target, before = self.run(self._target()), self.run(self._rows())
        now = self.clock.now()
        claimed = self.run(self.senders[owner].claim())
        for claim in claimed:
            known = self.known[claim.id]
            lease_until = before[claim.id]["lease_until"]
            assert lease_until is None or lease_until <= now, "two hold it at once"
            assert not known.cancelled, "a cancelled one was claimed"
            assert claim.manual == (known.asked > known.answered), "a retry by hand was forgotten, or made up"
            assert claim.manual or not known.over, "one that was over was claimed again, unasked"
            assert claim.manual or now >= known.not_before, "a wait was undercut"
        unasked = [claim for claim in claimed if not claim.manual]
        assert target["disabled_at"] is None or not unasked, "a target that is gone was told, unasked"
        if target["opened_at"] is not None:
            assert len(unasked) <= (target["probe_at"] <= now), "an open breaker let more through than its probe"
        self._see_what_ended(self.run(self._rows()))
        self.held[owner] += claimed

    @precondition(lambda self: any(self.held.values()))
    @rule(owner=OWNERS, verdict=st.sampled_from(sorted(VERDICTS)), number=st.integers(1, 4))
    def results_come(self, owner: str, verdict: str, number: int) -> None:
        claims, self.held[owner] = self.held[owner][:number], self.held[owner][number:]
        self._record(owner, claims, verdict)

    @rule(owner=OWNERS, verdict=st.sampled_from(sorted(VERDICTS)), seconds=st.sampled_from([0.5, 6.0, 29.0, 31.0]))
    def an_attempt_is_made(self, owner: str, verdict: str, seconds: float) -> None:
        """And nothing comes between, which is how it goes most of the time."""
        self.claims(owner)
        self.results_come(owner, verdict, 4)
        self.run(self.clock.advance(seconds))

    @precondition(lambda self: self.held["one"])
    @rule(verdict=st.sampled_from(sorted(VERDICTS)))
    def results_come_after_the_lease(self, verdict: str) -> None:
        """Another one may have made the attempt meanwhile."""
        self.run(self.clock.advance(31))
        self.claims("two")
        self.results_come("one", verdict, 4)

    @rule(owner=OWNERS)
    def dies(self, owner: str) -> None:
        """And another process takes its place, with an owner's name of its own."""
        self.held[owner], self.senders[owner] = [], self.sender()

    @rule(owner=OWNERS)
    def is_stopped(self, owner: str) -> None:
        """What is cut is due at once."""
        claims, self.held[owner] = self.held[owner], []
        self.run(self.senders[owner].release(claims))

    @rule(place=PLACES)
    def is_asked_for_again(self, place: int) -> None:
        delivery_id = sorted(self.known)[place]
        self.run(self._write(lambda tx: deliveries.ask_retry(tx, delivery_id, self.clock.now())))
        self._asked([delivery_id])

    @rule()
    def all_failed_are_replayed(self) -> None:
        failed = [each for each, row in self.run(self._rows()).items() if row["status"] == DeliveryStatus.FAILED.value]
        now = self.clock.now()
        self.run(self._write(lambda tx: deliveries.ask_retry_failed(tx, since=None, destination_id=None, now=now)))
        self._asked(failed)

    @rule(place=PLACES)
    def is_cancelled(self, place: int) -> None:
        delivery_id = sorted(self.known)[place]
        row = self.run(self._rows())[delivery_id]
        self.run(self._write(lambda tx: deliveries.cancel_pending(tx, row["watch_id"])))
        if row["status"] == PENDING:
            self.known[delivery_id].cancelled = True

    @invariant()
    def whatever_is_pending_will_be_picked_up_and_no_attempt_is_lost(self) -> None:
        for delivery_id, row in self.run(self._rows()).items():
            known = self.known[delivery_id]
            assert (row["status"] == PENDING) == (row["next_at"] is not None)
            assert row["attempts"] == known.attempts, "an attempt was lost or counted twice"
            assert (row["delivered_at"] is not None) == known.accepted, "what arrived was forgotten, or made up"
            assert (row["status"] == DeliveryStatus.CANCELLED.value) == known.cancelled

    def finish(self) -> None:
        """Once everything works again and all dead letters are replayed, everything arrives but what was cancelled."""
        self.held = {"one": [], "two": []}
        for last in (False, True):
            for _ in range(3 * NUMBER):
                if PENDING not in {row["status"] for row in self.run(self._rows()).values()}:
                    break
                self.run(self.clock.advance(1000))
                self.claims("one")
                claims, self.held["one"] = self.held["one"], []
                self._record("one", claims, "ok")
            assert PENDING not in {row["status"] for row in self.run(self._rows()).values()}, "it waits for ever"
            if not last:
                self.all_failed_are_replayed()
        assert all(known.accepted or known.cancelled for known in self.known.values()), "an event was lost"

    def _record(self, owner: str, claims: list[ClaimedDelivery], verdict: str) -> None:
        sender, rows, now = self.senders[owner], self.run(self._rows()), self.clock.now()
        answer = Answer(VERDICTS[verdict], now, 0.1)
        self.run(sender.record([Sent(claim, answer, now) for claim in claims]))
        for claim in claims:
            row = rows[claim.id]
            if (row["fence"], row["lease_owner"]) == (claim.fence, sender._owner):
                self._follow(self.known[claim.id], claim, verdict, now)
        if verdict == "gone" and claims:
            rows = self.run(self._rows())
            self._see_what_ended(rows)
            for each, row in rows.items():
                waits = row["status"] == PENDING and row["lease_owner"] is None
                assert not waits or self.known[each].asked > self.known[each].answered, "it waits for one that is gone"

    def _follow(self, known: Known, claim: ClaimedDelivery, verdict: str, now: float) -> None:
        """What an attempt that counted means, said once more in few words."""
        known.attempts += 1
        asked_again = known.asked > claim.manual_asked
        known.answered = claim.manual_asked
        if verdict == "ok":
            known.accepted, known.over, known.answered = True, True, known.asked
        elif not asked_again:
            waits = {"again": DELAYS, "later": tuple(max(each, ASKED) for each in DELAYS)}.get(verdict, ())
            if verdict == "ours" and claim.enabled:
                known.not_before = now + OWN_FAULT_DELAY
            elif known.step < len(waits) and claim.enabled:
                known.not_before = now + waits[known.step]
                known.step += 1
            else:
                known.over = True

    def _see_what_ended(self, rows: dict[str, RowMapping]) -> None:
        """A target that is gone takes along what waits for it."""
        for delivery_id, row in rows.items():
            if row["status"] == DeliveryStatus.FAILED.value:
                self.known[delivery_id].over = True

    def _asked(self, delivery_ids: list[str]) -> None:
        for known in (self.known[each] for each in delivery_ids):
            if not known.cancelled:
                known.asked, known.step, known.not_before, known.over = known.asked + 1, 0, 0.0, False

    async def _write(self, work: Any) -> None:
        async with self.database.write() as tx:
            await work(tx)

    async def _rows(self) -> dict[str, RowMapping]:
        async with self.database.read() as tx:
            return {row["id"]: row for row in (await tx.execute(select(tables.deliveries))).mappings()}

    async def _target(self) -> RowMapping:
        async with self.database.read() as tx:
            return (await tx.execute(select(tables.targets))).mappings().one()


class DeliveriesOnPostgres(Deliveries):
    """The same on a server."""

    def url(self) -> str:
        return postgres.emptied_url()


def _bounds(examples: int) -> settings:
    return settings(
        max_examples=10 * examples if FULL else examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = _bounds(12)
TestDeliveriesOnPostgres = DeliveriesOnPostgres.TestCase
TestDeliveriesOnPostgres.settings = _bounds(6)
