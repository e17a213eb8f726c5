"""What may be sent to a target now: its breaker, its rate and its wish to be left alone, decided purely.

The state lies in the table of targets, so that all replicas go by the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bridge.models import Outcome, Reason
from bridge.notifiers.base import Verdict
from bridge.store.deliveries import ClaimedDelivery
from bridge.store.targets import TargetState

OPENS_AFTER = 10
"""So many failures in a row open a breaker."""

FIRST_PROBE = 30.0
LONGEST_PROBE = 600.0

# Failures that say nothing about the receiver.
_OURS = frozenset({Reason.OWN_FAULT, Reason.RENDER, Reason.BLOCKED_ADDRESS, Reason.DISABLED})


@dataclass(frozen=True, slots=True)
class Wait:
    """A delivery that may not go now, and why if the target's breaker is the reason."""

    until: float
    reason: Reason | None = None


@dataclass(slots=True)
class Admission:
    """Which of the deliveries for one target go now, which wait, and the target's state after that."""

    state: TargetState
    go: list[ClaimedDelivery] = field(default_factory=list)
    wait: dict[str, Wait] = field(default_factory=dict)


class Turned(StrEnum):
    """What became of a target's breaker."""

    OPENED = "opened"
    PROBED = "probed"
    CLOSED = "closed"


def admit(queue: Sequence[ClaimedDelivery], state: TargetState, *, gap: float, now: float, lease: float) -> Admission:
    """Let those go that may.

    A retry by hand passes the breaker and the receiver's wish to be left alone, but not the rate. Through an open
    breaker one delivery goes as a probe once that is due; if its process dies, the next one may when the lease is over.

    :param gap: the least time between two messages to the target, seconds.
    """
    admission = Admission(state)
    slot = max(state.next_send_at or 0.0, now)
    for each in queue:
        at, reason = _earliest(each, admission.state, now)
        at = max(at, slot)
        if at > now:
            admission.wait[each.id] = Wait(at, reason)
            if gap and reason is None:
                slot = at + gap
            continue
        admission.go.append(each)
        if admission.state.opened_at is not None and not each.manual:
            admission.state = replace(admission.state, probe_at=now + lease)
        if gap:
            slot = now + gap
            admission.state = replace(admission.state, next_send_at=slot)
    return admission


def _earliest(delivery: ClaimedDelivery, state: TargetState, now: float) -> tuple[float, Reason | None]:
    if delivery.manual:
        return now, None
    if state.opened_at is not None and (state.probe_at or 0.0) > now:
        return state.probe_at or 0.0, Reason.BREAKER_OPEN
    return max(now, state.held_until or 0.0), None


def learn(
    state: TargetState, results: Iterable[tuple[ClaimedDelivery, Verdict]], now: float, *, gap: float
) -> tuple[TargetState, Turned | None]:
    """The state of a target after attempts, and what became of its breaker.

    :param gap: the least time between two messages, seconds; 0 where its kind has no rate. With one, a ``Retry-After``
        holds for all that goes there, and the gap counts from now: connecting and rendering may have taken a while.
    """
    if gap:
        state = replace(state, next_send_at=max(state.next_send_at or 0.0, now + gap))
    turned: Turned | None = None
    for claim, verdict in results:
        if gap and verdict.retry_after:
            state = replace(state, held_until=max(state.held_until or 0.0, now + verdict.retry_after))
        before = state
        state = _after(state, claim, verdict, now)
        if (before.opened_at is None) is not (state.opened_at is None):
            turned = Turned.OPENED if before.opened_at is None else Turned.CLOSED
        elif state.probe_at != before.probe_at and turned is None:
            turned = Turned.PROBED
    return state, turned


def _after(state: TargetState, claim: ClaimedDelivery, verdict: Verdict, now: float) -> TargetState:
    if verdict.outcome is Outcome.DELIVERED:
        well = not state.failures and state.opened_at is state.probe_at is state.probe_wait is None
        return state if well else replace(state, failures=0, opened_at=None, probe_at=None, probe_wait=None)
    if verdict.reason in _OURS or verdict.degrade:
        if state.opened_at is not None and claim.claimed_at > state.opened_at and not claim.manual:
            return replace(state, probe_at=now + (state.probe_wait or FIRST_PROBE))  # that probe showed nothing
        return state
    state = replace(state, failures=state.failures + 1)
    if state.opened_at is None:
        if state.failures < OPENS_AFTER:
            return state
        return replace(state, opened_at=now, probe_wait=FIRST_PROBE, probe_at=now + FIRST_PROBE)
    if claim.manual or claim.claimed_at <= state.opened_at:
        return state  # it was on its way when the breaker opened, or somebody insisted
    wait = min(2 * (state.probe_wait or FIRST_PROBE), LONGEST_PROBE)
    return replace(state, probe_wait=wait, probe_at=now + wait)
