"""What a job's progress says of when it ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.pacing.hazard import Belief
from bridge.pacing.progress import BEGINNING, NONE, Line, Sums, as_sums, estimated, line_of, seen, sharpened

MINUTE = Belief(math.log(60), 0.5, jobs=40)
POINTS = st.lists(st.tuples(st.floats(0, 1e6), st.integers(-5, 200) | st.none()), max_size=30)


def reports(*points: tuple[float, int | None]) -> Sums:
    sums = NONE
    for elapsed, percent in points:
        sums = seen(sums, elapsed, percent)
    return sums


def test_before_anything_is_learned_progress_is_the_share_of_the_time_within_ten_points() -> None:
    line = line_of(BEGINNING)
    assert (line.offset, line.slope, line.noise) == pytest.approx((0.0, 1.0, 0.1), abs=0.01)


def test_a_report_of_nothing_or_of_all_is_left_out() -> None:
    assert reports((5, 0), (6, None), (7, 100), (0, 50)) == NONE


def test_one_report_halfway_says_as_much_again() -> None:
    found = estimated(reports((40, 50)), Line(noise=0.03))
    assert found is not None
    assert math.exp(found[0]) == pytest.approx(80)
    assert found[1] == pytest.approx(0.06)


def test_more_reports_are_more_certain() -> None:
    few, many = (sharpened(MINUTE, reports(*points), Line(noise=0.03)) for points in (COURSE[:1], COURSE))
    assert many.sigma < few.sigma < MINUTE.sigma
    assert many.median == pytest.approx(100, rel=0.03)


COURSE = [(20.0, 21), (40.0, 39), (60.0, 61), (80.0, 80)]


def test_a_server_that_jumps_from_0_to_100_changes_nothing() -> None:
    assert sharpened(MINUTE, reports((10, 0), (30, 0), (50, 0)), Line()) == MINUTE


def test_a_line_that_is_flat_changes_nothing() -> None:
    assert sharpened(MINUTE, reports(*COURSE), Line(offset=0.5, slope=0.01, noise=0.01)) == MINUTE


def test_a_job_that_stands_still_is_believed_less_and_less() -> None:
    moving = estimated(reports(*COURSE), Line(noise=0.02))
    stuck = estimated(reports((20, 50), (40, 50), (60, 50), (80, 50)), Line(noise=0.02))
    assert moving is not None
    assert stuck is not None
    assert stuck[1] > 5 * moving[1]


def test_estimates_that_are_not_trusted_count_for_less() -> None:
    trusted, doubted = (sharpened(MINUTE, reports(*COURSE), Line(noise=0.03, trust=trust)) for trust in (1, 8))
    assert trusted.sigma < doubted.sigma
    assert abs(doubted.mu - MINUTE.mu) < abs(trusted.mu - MINUTE.mu)


@pytest.mark.parametrize("kept", [None, (), [1.0, 2.0]])
def test_a_row_that_keeps_no_sums_has_none(kept: list[float] | None) -> None:
    assert as_sums(kept) == NONE


@given(POINTS, st.builds(Line, st.floats(-1, 1), st.floats(-1, 2), st.floats(0.003, 1), st.floats(1, 7)))
def test_reports_however_odd_never_make_a_belief_vaguer_or_senseless(
    points: list[tuple[float, int | None]], line: Line
) -> None:
    belief = sharpened(MINUTE, reports(*points), line)
    assert math.isfinite(belief.mu)
    assert 0 < belief.sigma <= MINUTE.sigma
