"""Telling: who gets which delivery of an ending, and what follows each attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ids import event_id
from bridge.models import DeliveryStatus, EventType, Outcome, Reason, Video
from bridge.notifiers.base import Verdict
from bridge.outbox import OWN_FAULT_DELAY, EndedWatch, conclude, plan, recipients
from bridge.retry import LONGEST_RETRY_AFTER, RetrySchedule
from bridge.states import COMPLETED, TIMED_OUT, Recipient
from bridge.store.deliveries import ClaimedDelivery, Conclusion, HeldDelivery

NOW = 1_763_870_000.0
SCHEDULE = RetrySchedule((5.0, 30.0, 120.0))
PENDING, DELIVERED, FAILED, CANCELLED = (
    DeliveryStatus.PENDING,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.FAILED,
    DeliveryStatus.CANCELLED,
)
OK = Verdict(Outcome.DELIVERED)
AGAIN = Verdict(Outcome.RETRY, Reason.SERVER_ERROR)
OVER = Verdict(Outcome.FAILED, Reason.GONE, disable=True)

VERDICTS = st.one_of(
    st.just(OK),
    st.builds(
        Verdict,
        st.sampled_from([Outcome.RETRY, Outcome.FAILED]),
        st.sampled_from(Reason),
        st.none() | st.floats(min_value=0, max_value=2 * LONGEST_RETRY_AFTER),
    ),
)


def claimed(
    *, step: int = 0, attempts: int = 0, asked: int = 0, done: int = 0, enabled: bool = True
) -> ClaimedDelivery:
    return ClaimedDelivery(
        id="dlv_1",
        fence=1,
        event_id="evt_1",
        event_type=EventType.VIDEO_COMPLETED,
        event_at=NOW,
        video={},
        watch_id="watch_1",
        watch_created_at=NOW,
        watch_metadata={},
        provider="openai",
        destination_id="dest_1",
        origin="inline",
        kind="callback",
        target="t",
        host="h",
        claimed_at=NOW,
        config=b"",
        enabled=enabled,
        created_at=NOW,
        body=b"{}",
        step=step,
        attempts=attempts,
        manual_asked=asked,
        manual_done=done,
    )


CLAIMS = st.builds(
    claimed,
    step=st.integers(min_value=0, max_value=5),
    attempts=st.integers(min_value=0, max_value=99),
    asked=st.integers(min_value=0, max_value=3),
    enabled=st.booleans(),
)


def after(
    claim: ClaimedDelivery,
    verdict: Verdict,
    *,
    status: DeliveryStatus = PENDING,
    asked: int | None = None,
    jitter: float = 0,
) -> tuple[Conclusion, Outcome, Reason | None]:
    """What follows; somebody made it ``status``, or asked for retries, while the attempt was under way."""
    fresh = asked is not None and asked > claim.manual_asked
    held = HeldDelivery(status, 0 if fresh else claim.step, claim.manual_asked if asked is None else asked)
    return conclude(claim, held, verdict, SCHEDULE, now=NOW, jitter=jitter)


# Who is told.

BOTH = frozenset({EventType.VIDEO_COMPLETED, EventType.VIDEO_FAILED})


def recipient(destination_id: str, events: frozenset[EventType] = BOTH) -> Recipient:
    return Recipient(destination_id, events, f"target of {destination_id}", "example.com")


def test_those_are_told_who_asked_for_this_event_in_the_watchs_order() -> None:
    told = [recipient("b"), recipient("c", frozenset({EventType.WATCH_LOST})), recipient("a")]
    assert recipients(told, EventType.VIDEO_FAILED) == [told[0], told[2]]
    assert recipients(told, EventType.WATCH_TIMED_OUT) == []


def test_a_destination_named_twice_is_told_once() -> None:
    assert len(recipients([recipient("a"), recipient("a")], EventType.VIDEO_FAILED)) == 1


def test_an_ending_makes_one_event_with_the_video_as_it_is_then() -> None:
    video = Video("video_1", progress=100)
    event, _ = plan(EndedWatch("watch_1", COMPLETED, video), [], NOW)
    assert (event.id, event.watch_id) == (event_id("watch_1", "video.completed"), "watch_1")
    assert (event.type, event.created_at, event.video) == (EventType.VIDEO_COMPLETED, NOW, video.as_dict())


def test_each_recipient_gets_a_delivery_of_its_own() -> None:
    event, made = plan(EndedWatch("watch_1", COMPLETED, Video("v")), [recipient("a"), recipient("b")], NOW)
    assert [(each.destination_id, each.target) for each in made] == [("a", "target of a"), ("b", "target of b")]
    assert {(each.event_id, each.event_type, each.watch_id, each.created_at) for each in made} == {
        (event.id, EventType.VIDEO_COMPLETED, "watch_1", NOW)
    }
    assert len({each.id for each in made}) == 2


def test_an_event_nobody_asked_for_makes_no_delivery() -> None:
    event, made = plan(EndedWatch("watch_1", TIMED_OUT, Video("v")), [recipient("a")], NOW)
    assert (event.type, made) == (EventType.WATCH_TIMED_OUT, [])


# What follows an attempt.


def test_delivered_is_delivered() -> None:
    expected = Conclusion("dlv_1", DELIVERED, None, 2, None, NOW, manual_done=0, attempts=8)
    assert after(claimed(step=2, attempts=7), OK) == (expected, Outcome.DELIVERED, None)


@pytest.mark.parametrize(("step", "seconds"), [(0, 5), (1, 30), (2, 120)])
def test_a_failure_is_followed_by_the_next_delay_of_the_schedule(step: int, seconds: float) -> None:
    expected = Conclusion(
        "dlv_1", PENDING, Reason.SERVER_ERROR, step + 1, NOW + seconds, None, manual_done=0, attempts=1
    )
    assert after(claimed(step=step), AGAIN) == (expected, Outcome.RETRY, Reason.SERVER_ERROR)


def test_after_the_last_delay_it_has_failed_and_the_attempt_says_so() -> None:
    concluded, outcome, reason = after(claimed(step=3), AGAIN)
    assert (concluded.status, concluded.next_at, concluded.step) == (FAILED, None, 4)
    assert (concluded.reason, outcome, reason) == (Reason.SERVER_ERROR, Outcome.FAILED, Reason.SERVER_ERROR)


def test_a_permanent_failure_ends_it_at_once() -> None:
    concluded, outcome, reason = after(claimed(), OVER)
    assert (concluded.status, concluded.reason, concluded.next_at) == (FAILED, Reason.GONE, None)
    assert (outcome, reason) == (Outcome.FAILED, Reason.GONE)


def test_a_longer_wait_that_the_receiver_asks_for_is_granted_a_shorter_is_not() -> None:
    assert after(claimed(), replace(AGAIN, retry_after=60))[0].next_at == NOW + 60
    assert after(claimed(), replace(AGAIN, retry_after=1))[0].next_at == NOW + 5


def test_who_asks_for_more_than_a_day_is_told_no_more() -> None:
    concluded, outcome, reason = after(claimed(), replace(AGAIN, retry_after=LONGEST_RETRY_AFTER + 1))
    assert (concluded.status, concluded.reason) == (FAILED, Reason.RATE_LIMITED)
    assert (outcome, reason) == (Outcome.FAILED, Reason.RATE_LIMITED)


def test_chance_only_lengthens_the_wait() -> None:
    assert after(claimed(), AGAIN, jitter=1)[0].next_at == pytest.approx(NOW + 5.5)


@pytest.mark.parametrize("step", [0, 3, 99])
def test_a_fault_of_our_own_burns_no_step(step: int) -> None:
    concluded, outcome, reason = after(claimed(step=step, attempts=4), Verdict(Outcome.RETRY, Reason.OWN_FAULT))
    assert (concluded.status, concluded.step, concluded.next_at) == (PENDING, step, NOW + OWN_FAULT_DELAY)
    assert (concluded.attempts, outcome, reason) == (5, Outcome.RETRY, Reason.OWN_FAULT)


def test_a_disabled_target_is_sent_to_once_because_somebody_asked() -> None:
    concluded, outcome, reason = after(claimed(asked=1, enabled=False), AGAIN)
    assert (concluded.status, concluded.next_at, concluded.manual_done) == (FAILED, None, 1)
    assert (concluded.reason, outcome, reason) == (Reason.SERVER_ERROR, Outcome.FAILED, Reason.SERVER_ERROR)


def test_what_arrives_at_a_disabled_target_has_arrived() -> None:
    assert after(claimed(asked=1, enabled=False), OK)[0].status is DELIVERED


@pytest.mark.parametrize("verdict", [AGAIN, OVER, replace(AGAIN, retry_after=3600)])
def test_a_retry_asked_for_during_the_attempt_leads_to_another_at_once(verdict: Verdict) -> None:
    concluded, _, reason = after(claimed(step=3, attempts=4), verdict, asked=1)
    expected = Conclusion("dlv_1", PENDING, None, 0, NOW, None, manual_done=0, attempts=5)
    assert (concluded, reason) == (expected, verdict.reason)


def test_a_retry_asked_for_during_the_attempt_that_delivered_is_fulfilled() -> None:
    concluded, _, _ = after(claimed(asked=1), OK, asked=3)
    assert (concluded.status, concluded.manual_done) == (DELIVERED, 3)


def test_the_manual_attempt_is_used_up_and_the_schedule_goes_on_from_there() -> None:
    concluded, _, _ = after(claimed(asked=2, done=1, attempts=13), AGAIN)
    assert (concluded.manual_done, concluded.step, concluded.next_at) == (2, 1, NOW + 5)


@pytest.mark.parametrize("verdict", [AGAIN, OVER, Verdict(Outcome.RETRY, Reason.OWN_FAULT)])
def test_cancelled_stays_cancelled_and_no_attempt_promises_another(verdict: Verdict) -> None:
    concluded, outcome, reason = after(claimed(), verdict, status=CANCELLED)
    assert (concluded.status, concluded.next_at, concluded.delivered_at) == (CANCELLED, None, None)
    assert (outcome, reason) == (Outcome.FAILED, verdict.reason)


def test_one_cancelled_too_late_stays_cancelled_and_says_when_it_arrived() -> None:
    concluded, outcome, reason = after(claimed(), OK, status=CANCELLED)
    assert (concluded.status, concluded.delivered_at, outcome, reason) == (CANCELLED, NOW, Outcome.DELIVERED, None)


@given(
    claim=CLAIMS,
    verdict=VERDICTS,
    status=st.sampled_from([PENDING, CANCELLED]),
    jitter=st.floats(0, 1),
    more=st.integers(0, 2),
)
def test_whatever_happens_the_row_makes_sense(
    claim: ClaimedDelivery, verdict: Verdict, status: DeliveryStatus, jitter: float, more: int
) -> None:
    concluded, outcome, reason = after(claim, verdict, status=status, asked=claim.manual_asked + more, jitter=jitter)
    assert (concluded.next_at is not None) is (concluded.status is PENDING)
    assert (concluded.status is CANCELLED) is (status is CANCELLED)
    assert concluded.attempts == claim.attempts + 1
    assert (concluded.delivered_at is not None) is (outcome is Outcome.DELIVERED) is (reason is None)
    assert (outcome is Outcome.DELIVERED) is (verdict.outcome is Outcome.DELIVERED)
    assert outcome is not Outcome.RETRY or concluded.status is PENDING


@given(claim=CLAIMS, verdict=VERDICTS, jitter=st.floats(0, 1))
def test_unless_asked_nothing_is_sent_before_the_schedule_and_the_receivers_wish(
    claim: ClaimedDelivery, verdict: Verdict, jitter: float
) -> None:
    concluded, _, _ = after(claim, verdict, jitter=jitter)
    if concluded.next_at is None or verdict.reason is Reason.OWN_FAULT:
        return
    assert concluded.next_at >= NOW + SCHEDULE.delays[claim.step]
    assert concluded.next_at >= NOW + (verdict.retry_after or 0)
