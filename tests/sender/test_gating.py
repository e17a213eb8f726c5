"""What may be sent to a target now: its breaker, its rate, its wish to be left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import Outcome, Reason
from bridge.notifiers.base import Verdict
from bridge.sender.gating import FIRST_PROBE, LONGEST_PROBE, OPENS_AFTER, Turned, Wait, admit, learn
from bridge.store.targets import TargetState
from tests.sender.claims import CLAIM, NOW, claims

OK = Verdict(Outcome.DELIVERED)
BAD = Verdict(Outcome.RETRY, Reason.SERVER_ERROR)
FRESH = TargetState()
OPEN = TargetState(failures=10, opened_at=NOW - 30, probe_at=NOW, probe_wait=30.0)
WAITING = replace(OPEN, probe_at=NOW + 20)


def gone(number: int, state: TargetState = FRESH, *, gap: float = 0.0, now: float = NOW, **fields: object) -> list[str]:
    """Which of so many deliveries go."""
    return [each.id for each in admit(claims(number, **fields), state, gap=gap, now=now, lease=45).go]


def after(state: TargetState, *verdicts: Verdict, now: float = NOW, **fields: object) -> TargetState:
    claim = replace(CLAIM, **fields)  # type: ignore[arg-type]
    return learn(state, [(claim, verdict) for verdict in verdicts], now, gap=0)[0]


def test_without_a_rate_all_go() -> None:
    assert len(gone(50)) == 50


def test_with_a_rate_one_goes_and_the_others_line_up_behind_it() -> None:
    admission = admit(claims(4), FRESH, gap=1.0, now=NOW, lease=45)
    assert [each.id for each in admission.go] == ["dlv_0"]
    assert admission.wait == {"dlv_1": Wait(NOW + 1), "dlv_2": Wait(NOW + 2), "dlv_3": Wait(NOW + 3)}
    assert admission.state.next_send_at == NOW + 1


@pytest.mark.parametrize(("now", "goes"), [(NOW + 0.5, []), (NOW + 1, ["dlv_0"])])
def test_the_next_goes_when_its_time_has_come(now: float, goes: list[str]) -> None:
    assert gone(1, TargetState(next_send_at=NOW + 1), gap=1.0, now=now) == goes


def test_a_target_that_asked_to_be_left_alone_is() -> None:
    held = TargetState(held_until=NOW + 30)
    assert admit(claims(2), held, gap=1.0, now=NOW, lease=45).wait == {"dlv_0": Wait(NOW + 30), "dlv_1": Wait(NOW + 31)}
    assert gone(1, held, gap=1.0, now=NOW + 30) == ["dlv_0"]


def test_a_retry_by_hand_may_come_before_that_but_not_above_the_rate() -> None:
    assert gone(2, TargetState(held_until=NOW + 30), gap=1.0, manual_asked=1) == ["dlv_0"]


def test_through_an_open_breaker_nothing_goes_and_the_reason_is_said() -> None:
    admission = admit(claims(3), WAITING, gap=0.0, now=NOW, lease=45)
    assert (admission.go, set(admission.wait.values())) == ([], {Wait(NOW + 20, Reason.BREAKER_OPEN)})


def test_once_it_is_due_one_delivery_probes_and_the_others_wait_for_its_lease() -> None:
    admission = admit(claims(3), OPEN, gap=0.0, now=NOW, lease=45)
    assert [each.id for each in admission.go] == ["dlv_0"]
    assert set(admission.wait.values()) == {Wait(NOW + 45, Reason.BREAKER_OPEN)}
    assert gone(3, admission.state, now=NOW + 44) == []
    assert gone(3, admission.state, now=NOW + 45) == ["dlv_0"]


def test_a_retry_by_hand_passes_an_open_breaker() -> None:
    assert gone(2, WAITING, manual_asked=1) == ["dlv_0", "dlv_1"]


def test_ten_failures_in_a_row_open_it() -> None:
    nine = after(FRESH, *[BAD] * (OPENS_AFTER - 1))
    assert nine.opened_at is None
    assert after(nine, BAD) == TargetState(None, None, 10, NOW, NOW + FIRST_PROBE, FIRST_PROBE)


def test_a_success_between_starts_the_row_anew() -> None:
    assert after(FRESH, *[BAD] * 9, OK, *[BAD] * 9).opened_at is None


@pytest.mark.parametrize("reason", [Reason.OWN_FAULT, Reason.RENDER, Reason.BLOCKED_ADDRESS])
def test_faults_of_our_own_never_open_it(reason: Reason) -> None:
    assert after(FRESH, *[Verdict(Outcome.RETRY, reason)] * 20) == FRESH


def test_a_probe_that_fails_doubles_the_wait_up_to_ten_minutes() -> None:
    state, waits = OPEN, []
    for _ in range(7):
        state = after(state, BAD, claimed_at=NOW)
        waits.append(state.probe_wait)
    assert waits == [60, 120, 240, 480, LONGEST_PROBE, LONGEST_PROBE, LONGEST_PROBE]
    assert state.probe_at == NOW + LONGEST_PROBE


def test_a_success_closes_it() -> None:
    state, turned = learn(OPEN, [(CLAIM, OK)], NOW, gap=0)
    assert (state, turned) == (FRESH, Turned.CLOSED)


def test_what_was_on_its_way_when_it_opened_says_nothing_more() -> None:
    assert after(OPEN, BAD, claimed_at=NOW - 31).probe_wait == 30


def test_a_probe_that_failed_by_our_fault_is_made_again_after_the_same_wait() -> None:
    state = after(replace(OPEN, probe_at=NOW + 45), Verdict(Outcome.RETRY, Reason.OWN_FAULT), claimed_at=NOW)
    assert (state.probe_wait, state.probe_at) == (30, NOW + 30)


def test_a_picture_refused_is_no_failure_of_the_target() -> None:
    assert after(FRESH, *[Verdict(Outcome.FAILED, Reason.CLIENT_ERROR, degrade=True)] * 20) == FRESH


@pytest.mark.parametrize(("gap", "held"), [(1.0, NOW + 60), (0.0, None)])
def test_a_wish_to_be_left_alone_holds_for_all_where_there_is_a_rate(gap: float, held: float | None) -> None:
    verdict = Verdict(Outcome.RETRY, Reason.RATE_LIMITED, retry_after=60)
    assert learn(FRESH, [(CLAIM, verdict)], NOW, gap=gap)[0].held_until == held


def test_the_rate_counts_from_when_a_message_had_arrived_and_not_from_when_it_was_let_go() -> None:
    let_go = admit(claims(1), FRESH, gap=1.0, now=NOW, lease=45).state
    later, _ = learn(let_go, [(CLAIM, OK)], NOW + 0.4, gap=1.0)
    assert gone(1, later, gap=1.0, now=NOW + 1.3) == []
    assert len(gone(1, later, gap=1.0, now=NOW + 1.4)) == 1


@given(st.lists(st.sampled_from([OK, BAD]), max_size=60))
def test_it_is_open_after_ten_failures_and_closed_after_a_success(verdicts: list[Verdict]) -> None:
    state = after(FRESH, *verdicts)
    row = next((place for place, each in enumerate(reversed(verdicts)) if each is OK), len(verdicts))
    assert (state.failures, state.opened_at is not None) == (row, row >= OPENS_AFTER)
