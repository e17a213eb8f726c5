from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.simulator.chance import chance, log_normal

seeds = st.integers()
subjects = st.lists(st.integers() | st.text(), max_size=3)


@given(seeds, subjects)
def test_a_draw_lies_strictly_between_zero_and_one_and_repeats(seed: int, subject: list[object]) -> None:
    drawn = chance(seed, *subject)
    assert 0 < drawn < 1
    assert chance(seed, *subject) == drawn


def test_a_draw_is_the_same_in_every_process_and_release() -> None:
    assert chance(0, "failure", 1) == pytest.approx(0.5776548262398252)


def test_draws_spread_evenly() -> None:
    draws = [chance(7, "duration", ordinal) for ordinal in range(2000)]
    assert sum(draw < 0.25 for draw in draws) == pytest.approx(500, abs=75)
    assert sum(draw < 0.75 for draw in draws) == pytest.approx(1500, abs=75)


def test_the_parts_of_a_subject_are_kept_apart() -> None:
    assert chance(1, "a", 12) != chance(1, "a1", 2)


def test_other_seeds_draw_otherwise() -> None:
    assert chance(1, "failure", 1) != chance(2, "failure", 1)


@given(st.floats(0.001, 1e6), st.floats(0.0001, 0.9999))
def test_without_spread_every_value_is_the_median(median: float, drawn: float) -> None:
    assert log_normal(median, 0.0, drawn) == median


def test_half_of_the_values_lie_below_the_median_and_one_sigma_is_a_factor_of_e_to_the_spread() -> None:
    assert log_normal(60, 0.5, 0.5) == pytest.approx(60)
    assert log_normal(60, 0.5, 0.841345) == pytest.approx(60 * 1.648721, rel=1e-4)


@given(st.floats(0.0001, 0.9999), st.floats(0, 3))
def test_no_duration_is_negative(drawn: float, spread: float) -> None:
    assert log_normal(60, spread, drawn) > 0
