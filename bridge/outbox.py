"""Telling: which deliveries an ending makes, and what follows an attempt. Decided purely, written by the caller's
transaction, so that an ending and all it tells are one commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridge.ids import event_id, new_id
from bridge.models import DeliveryStatus, EventType, Outcome, Reason, Video
from bridge.notifiers.base import Verdict
from bridge.retry import Again, RetrySchedule
from bridge.states import Ending, Recipient
from bridge.store import deliveries, destinations, watches
from bridge.store.database import Transaction

# A fault of our own side is no attempt of the schedule; it is tried again this much later, seconds.
OWN_FAULT_DELAY = 30.0
# A fault that lasts longer than the whole schedule is one of this destination (no route to it, say), seconds.
OWN_FAULT_PATIENCE = 3 * 86_400.0


@dataclass(frozen=True, slots=True)
class EndedWatch:
    """A watch, how it ends, and the video as it is told."""

    watch_id: str
    ending: Ending
    video: Video


def recipients(told: Iterable[Recipient], event: EventType) -> list[Recipient]:
    """The destinations that asked to be told this event, each once, in the watch's order."""
    return list({each.destination_id: each for each in told if event in each.events}.values())


def plan(
    ended: EndedWatch, told: Sequence[Recipient], now: float
) -> tuple[deliveries.NewEvent, list[deliveries.NewDelivery]]:
    """The event of an ending and its deliveries."""
    type_ = ended.ending.event
    event = deliveries.NewEvent(event_id(ended.watch_id, type_), ended.watch_id, type_, now, ended.video.as_dict())
    return event, [
        deliveries.NewDelivery(
            id=new_id("dlv"),
            event_id=event.id,
            event_type=type_,
            watch_id=ended.watch_id,
            destination_id=each.destination_id,
            target=each.target,
            host=each.host,
            created_at=now,
        )
        for each in recipients(told, type_)
    ]


async def tell(tx: Transaction, ended: Sequence[EndedWatch], now: float) -> int:
    """End watches, and write their events and deliveries; how many deliveries."""
    if not ended:
        return 0
    told = await destinations.recipients(tx, [each.watch_id for each in ended])
    planned = [plan(each, told.get(each.watch_id, ()), now) for each in ended]
    due = [delivery for _, its in planned for delivery in its]
    await watches.end(tx, [(each.watch_id, each.ending) for each in ended], now)
    await deliveries.add(tx, [event for event, _ in planned], due)
    return len(due)


def conclude(
    claim: deliveries.ClaimedDelivery,
    held: deliveries.HeldDelivery,
    verdict: Verdict,
    schedule: RetrySchedule,
    *,
    now: float,
    jitter: float,
    lesser_body: bytes | None = None,
) -> tuple[deliveries.Conclusion, Outcome, Reason | None]:
    """What an attempt writes into its delivery, and what the attempt itself is called.

    :param held: the delivery as it is now; somebody may have cancelled it or asked for a retry meanwhile.
    :param jitter: chance, 0 to 1, that lengthens the wait.
    :param lesser_body: what to send in place of the body that the receiver refused, at once.
    """
    if lesser_body is not None:
        verdict = replace(verdict, outcome=Outcome.RETRY)
    status, reason, next_at, step = _follow(claim, held, verdict, schedule, now, jitter)
    asked_again = held.manual_asked > claim.manual_asked
    if held.status is DeliveryStatus.CANCELLED:
        status, next_at = DeliveryStatus.CANCELLED, None
    elif asked_again and verdict.outcome is not Outcome.DELIVERED:
        status, reason, next_at, step = DeliveryStatus.PENDING, None, now, 0
    elif lesser_body is not None:
        status, next_at, step = DeliveryStatus.PENDING, now, held.step
    delivered = verdict.outcome is Outcome.DELIVERED
    outcome = verdict.outcome
    if outcome is Outcome.RETRY and status is not DeliveryStatus.PENDING:
        outcome = Outcome.FAILED
    conclusion = deliveries.Conclusion(
        id=claim.id,
        status=status,
        reason=None if delivered else reason,
        step=step,
        next_at=next_at,
        delivered_at=now if delivered else None,
        manual_done=held.manual_asked if delivered else claim.manual_asked,
        attempts=claim.attempts + 1,
        lesser_body=lesser_body,
    )
    return conclusion, outcome, None if delivered else (reason or verdict.reason)


def _follow(
    claim: deliveries.ClaimedDelivery,
    held: deliveries.HeldDelivery,
    verdict: Verdict,
    schedule: RetrySchedule,
    now: float,
    jitter: float,
) -> tuple[DeliveryStatus, Reason | None, float | None, int]:
    """Status, reason, next attempt and step by the verdict alone."""
    if verdict.outcome is Outcome.DELIVERED:
        return DeliveryStatus.DELIVERED, None, None, held.step
    if verdict.outcome is Outcome.FAILED or not claim.enabled:
        # A disabled target is sent to once, because somebody asked, and no further.
        return DeliveryStatus.FAILED, verdict.reason, None, held.step + 1
    if verdict.reason is Reason.OWN_FAULT and now - claim.created_at < OWN_FAULT_PATIENCE:
        return DeliveryStatus.PENDING, verdict.reason, now + OWN_FAULT_DELAY, held.step
    following = schedule.after(held.step + 1, now=now, retry_after=verdict.retry_after, jitter=jitter)
    if isinstance(following, Again):
        return DeliveryStatus.PENDING, verdict.reason, following.at, held.step + 1
    reason = Reason.RATE_LIMITED if following.reason == "retry_after_too_long" else verdict.reason
    return DeliveryStatus.FAILED, reason, None, held.step + 1
