"""How long to wait until the next look is worth its price."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.pacing.hazard import STRAGGLERS, Belief, expected_total, worth_waiting

MINUTE = Belief(math.log(60), 0.5, jobs=40)
BELIEFS = st.builds(Belief, st.floats(-1, 15), st.floats(0.03, 3))
ELAPSED = st.floats(0, 1e7)
PRICES = st.floats(0.1, 1e4)


def integral(belief: Belief, start: float, end: float, price: float) -> float:
    """The density of looks over this time, by many small steps."""
    steps = 4000
    moments = [start + (end - start) * (step + 0.5) / steps for step in range(steps)]
    return sum(math.sqrt(hazard(belief, at) / (2 * price)) for at in moments) * (end - start) / steps


def hazard(belief: Belief, at: float) -> float:
    z, scale = (math.log(at) - belief.mu) / belief.sigma, 3 * belief.median
    dense = math.exp(-z * z / 2) / (math.sqrt(2 * math.pi) * belief.sigma * at)
    left = math.erfc(z / math.sqrt(2)) / 2
    mixed = (1 - STRAGGLERS) * dense + STRAGGLERS * scale / (scale + at) ** 2
    return mixed / ((1 - STRAGGLERS) * left + STRAGGLERS * scale / (scale + at))


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 10.0, 30.0, 60.0, 90.0, 200.0, 600.0])
@pytest.mark.parametrize("sigma", [0.05, 0.5, 1.4])
def test_the_density_of_looks_adds_up_to_one_look(elapsed: float, sigma: float) -> None:
    belief = Belief(math.log(60), sigma)
    wait = worth_waiting(belief, elapsed, 1.0, math.inf)
    assert integral(belief, elapsed + 1e-9, elapsed + wait, 1.0) == pytest.approx(1.0, abs=0.06)


@given(BELIEFS, ELAPSED, PRICES, st.floats(1, 1e4))
def test_the_wait_is_above_zero_and_never_longer_than_allowed(
    belief: Belief, elapsed: float, price: float, longest: float
) -> None:
    assert 0 < worth_waiting(belief, elapsed, price, longest) <= longest


@given(BELIEFS, st.floats(0, 1e5), PRICES, st.floats(1, 100))
def test_a_dearer_request_never_comes_sooner(belief: Belief, elapsed: float, price: float, dearer: float) -> None:
    wait = worth_waiting(belief, elapsed, price, 1e4)
    assert wait <= worth_waiting(belief, elapsed, price * dearer, 1e4) + 1e-6


@given(st.floats(0.05, 2), st.floats(0, 4))
def test_jobs_that_end_sooner_are_looked_at_sooner(sigma: float, later: float) -> None:
    first = worth_waiting(Belief(math.log(60), sigma), 0.0, 1.0, 1e6)
    assert first <= worth_waiting(Belief(math.log(60) + later, sigma), 0.0, 1.0, 1e6) + 1e-6


def test_the_expected_end_is_the_median_of_what_is_left() -> None:
    assert expected_total(MINUTE, 0.0) == pytest.approx(60)
    assert expected_total(MINUTE, 60.0) == pytest.approx(60 * math.exp(0.5 * 0.6745), rel=0.001)


def test_nothing_is_expected_of_a_job_that_outran_all_experience() -> None:
    assert expected_total(MINUTE, 60 * math.exp(0.5 * 2.6)) is None


@given(BELIEFS, ELAPSED)
def test_the_expected_end_is_yet_to_come(belief: Belief, elapsed: float) -> None:
    total = expected_total(belief, elapsed)
    assert total is None or total >= elapsed * (1 - 1e-9)
