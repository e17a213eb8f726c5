"""The book of a budget that replicas share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.providers.ledger import FLOOR, RECOVERY, TOLERANCE, WINDOW, Ledger, rate_at, reserve, slowed

NOW = 1_763_870_000.0
RATES = st.sampled_from([0.1, 0.5, 1.0, 3.0, 20.0, 97.3])
# Who asks, how long after the one before, for how many slots, how far its clock is off, and how late it uses them.
ASKING = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.floats(0, 3),
        st.integers(1, 200),
        st.floats(0, TOLERANCE / 2),
        st.floats(0, TOLERANCE / 2),
    ),
    min_size=1,
    max_size=40,
)


def used(rate: float, asking: list[tuple[int, float, int, float, float]]) -> list[float]:
    """The moments at which requests are sent when every slot is used."""
    ledger, now, moments = Ledger(), NOW, list[float]()
    for _, later, wanted, skew, lateness in asking:
        now += later
        ledger, block = reserve(ledger, wanted, rate, now + skew)
        # Its clock shows the slot's moment when it is a little earlier.
        moments += [slot - skew + lateness for slot in block.slots()]
    return sorted(moments)


@given(rate=RATES, asking=ASKING)
def test_no_five_seconds_ever_hold_more_than_the_budget(
    rate: float, asking: list[tuple[int, float, int, float, float]]
) -> None:
    moments = used(rate, asking)
    for start in moments:
        within = [moment for moment in moments if start <= moment <= start + WINDOW]
        assert len(within) <= WINDOW * rate + 1


@given(rate=RATES, asking=ASKING)
def test_whoever_asks_is_given_slots_after_those_of_the_others(
    rate: float, asking: list[tuple[int, float, int, float, float]]
) -> None:
    ledger, now = Ledger(), NOW
    for _, later, wanted, _, _ in asking:
        now += later
        before = ledger.next_slot
        ledger, block = reserve(ledger, wanted, rate, now)
        assert 1 <= block.count <= max(1, min(wanted, rate))
        assert block.first == max(now, before)
        assert ledger.next_slot > block.slots()[-1]


def test_an_idle_budget_saves_nothing_up() -> None:
    ledger, _ = reserve(Ledger(), 10, 10, NOW)
    _, block = reserve(ledger, 10, 10, NOW + 100)
    assert block.first == NOW + 100
    assert block.interval == pytest.approx(0.1, rel=0.03)


def test_nobody_asks_before_the_provider_wants() -> None:
    assert reserve(Ledger(), 1, 10, NOW, not_before=NOW + 7)[1].first == NOW + 7


def test_a_book_from_a_clock_that_was_set_back_is_not_waited_for() -> None:
    assert reserve(Ledger(next_slot=NOW + 86_400), 1, 10, NOW)[1].first == NOW
    assert reserve(Ledger(next_slot=NOW + 500), 1, 0.1, NOW)[1].first == NOW + 500


def test_a_429_halves_the_rate_and_it_comes_back_evenly_once_the_wait_is_over() -> None:
    ledger = slowed(Ledger(), 20, NOW, wait=10)
    assert [rate_at(ledger, 20, NOW + later) for later in (0, 10, 25, 40, 100)] == [10, 10, 15, 20, 20]
    assert reserve(ledger, 1, 20, NOW)[1].interval == pytest.approx(0.1, rel=0.03)


def test_the_429s_of_one_wait_are_one() -> None:
    once = slowed(Ledger(), 20, NOW, wait=10)
    assert slowed(once, 20, NOW + 1, wait=20) == Ledger(0.0, 10, NOW + 21)
    assert slowed(once, 20, NOW + 10, wait=10).low == 5


@given(waits=st.lists(st.floats(0, 30), min_size=1, max_size=20))
def test_the_rate_stays_between_its_floor_and_the_configured_one(waits: list[float]) -> None:
    ledger, now = Ledger(), NOW
    for wait in waits:
        ledger = slowed(ledger, 20, now, wait)
        assert 20 * FLOOR <= rate_at(ledger, 20, now) <= 20
        now += wait
    assert rate_at(ledger, 20, now + RECOVERY) == 20


def test_a_slow_down_from_a_clock_that_was_set_back_is_over() -> None:
    assert rate_at(Ledger(0.0, 1.0, NOW + 86_400), 20, NOW) == 20
