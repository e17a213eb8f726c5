"""What a request is worth: more while the budget binds, down to a polite floor when it does not."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.pacing import Tempo
from bridge.pacing.price import CEILING, FLOOR

NOW = 1_763_870_000.0


def course(demand: float, seconds: int, rate: float = 20.0, tempo: Tempo | None = None, lag: int = 0) -> list[float]:
    """The price over time when so many requests a second are wanted at a price of 1, and the rate bounds them.

    What is asked for was planned at the price of some seconds ago.
    """
    tempo, prices = tempo or Tempo(), list[float]()
    for second in range(seconds):
        wanted = demand / (prices[-lag] if len(prices) >= lag > 0 else tempo.price) ** 0.5
        tempo = tempo.after_requests(min(wanted, rate), rate, NOW + second)
        prices.append(tempo.price)
    return prices


def test_the_price_stays_at_the_floor_while_there_is_budget() -> None:
    assert set(course(demand=5, seconds=120)) == {FLOOR}


def test_the_price_rises_while_the_budget_binds_until_nineteen_twentieths_of_it_are_used() -> None:
    prices = course(demand=400, seconds=200)
    assert prices[-1] == pytest.approx((400 / 19) ** 2, rel=0.05)
    rising = prices[: prices.index(max(prices)) + 1]
    assert rising == sorted(rising)


@given(st.floats(30, 1500))
def test_whatever_is_wanted_it_rises_one_step_too_far_at_most(demand: float) -> None:
    prices = course(demand=demand, seconds=600)
    assert max(prices) < 1.5 * prices[-1]


def test_it_rises_by_little_at_first_and_ever_quicker() -> None:
    prices = course(demand=40_000, seconds=86)
    steps = [later / one for one, later in itertools.pairwise(prices[::5])]
    assert steps == pytest.approx([min(1.5, 1.05**step) for step in range(1, 18)])


def test_it_comes_to_rest_although_plans_are_of_before() -> None:
    prices = course(demand=40, seconds=300, lag=6)
    settled = prices[150:]
    assert max(settled) < 1.25 * min(settled)
    assert settled[-1] == pytest.approx((40 / 19) ** 2, rel=0.1)


def test_the_price_falls_when_the_fleet_has_gone() -> None:
    assert course(demand=0, seconds=120, tempo=Tempo(price=100.0, since=NOW))[-1] == FLOOR


def test_after_a_silence_it_falls_by_as_much_as_that_was_long() -> None:
    tempo = Tempo(price=400.0, since=NOW).after_requests(1, 20, NOW + 50)
    assert tempo.price == FLOOR
    assert (tempo.used, tempo.since) == (0, NOW + 50)


def test_requests_are_counted_for_five_seconds_before_the_price_moves() -> None:
    tempo = Tempo(since=NOW).after_requests(90, 20, NOW + 4)
    assert (tempo.used, tempo.price) == (90, FLOOR)
    assert tempo.after_requests(10, 20, NOW + 5).price == pytest.approx(1.05 * FLOOR)


@pytest.mark.parametrize("now", [NOW - 100, NOW + 1e8])
def test_a_clock_that_was_set_starts_the_count_anew(now: float) -> None:
    tempo = Tempo(price=7.0, used=50, since=NOW).after_requests(3, 20, now)
    assert tempo == Tempo(price=7.0, used=3, since=now)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.01, 1e3), st.floats(0, 1e5)), max_size=30))
def test_the_price_has_a_floor_and_a_ceiling_whatever_happens(turns: list[tuple[float, float, float]]) -> None:
    tempo, now = Tempo(), NOW
    for requests, rate, seconds in turns:
        now += seconds
        tempo = tempo.after_requests(requests, rate, now)
        assert FLOOR <= tempo.price <= CEILING


def test_pushes_that_come_first_make_looks_dearer_and_missing_ones_cheaper_again() -> None:
    tempo, prices = Tempo(), []
    for pushed in [True] * 100 + [False] * 60:
        tempo = tempo.after_end(pushed=pushed)
        prices.append(tempo.asking_price)
    assert prices[0] < prices[9] < prices[99] <= 16 * FLOOR
    assert prices[99] > 12 * FLOOR
    assert prices[-1] < 1.5 * FLOOR


def test_without_pushes_the_asking_price_is_the_price() -> None:
    assert Tempo(price=4.0).after_end(pushed=False).asking_price == 4


def test_the_difference_of_clocks_is_found_between_two_looks() -> None:
    tempo = Tempo()
    for end in (1000.7, 2000.2, 3000.9):  # by a clock that is 300 seconds behind ours
        tempo = tempo.after_completion(int(end), after=end + 300 - 2, by=end + 300 + 2)
    assert tempo.ahead == pytest.approx(300, abs=3)
    assert Tempo().after_completion(1000, after=None, by=900).ahead == -100


def test_clocks_that_agree_are_left_alone() -> None:
    assert Tempo().after_completion(1000, after=998.0, by=1003.0).ahead == 0


def test_a_tempo_is_kept_as_it_is() -> None:
    tempo = Tempo(2.5, 3.0, NOW, -1.5, 7.0, 6.0, 2)
    assert Tempo.from_dict(json.loads(json.dumps(tempo.as_dict()))) == tempo
