"""How long jobs take, learned from those that finished."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import Video
from bridge.pacing import Group, Learned, believed, group_of, levels_of
from bridge.pacing.progress import NONE, Sums, added


def finished(*seconds: float) -> Learned:
    learned = Learned()
    for each in seconds:
        learned = learned.after(each)
    return learned


def reporting(learned: Learned, seconds: float, course: dict[float, float]) -> Learned:
    """After a job that reported these shares of progress at these shares of its time."""
    sums: Sums = NONE
    for share, progress in course.items():
        sums = added(sums, share * seconds, progress)
    return learned.after(seconds, sums)


def test_a_group_is_provider_model_seconds_and_size_and_leans_on_wider_ones() -> None:
    group = group_of("azure", Video("v", model="sora-2", seconds="8", size="720x1280"))
    assert levels_of(group) == (Group("azure", "sora-2", "8", "720x1280"), Group("azure", "sora-2"), Group("azure"))
    assert levels_of(group_of("azure", None)) == levels_of(group_of("azure", Video("v"))) == (Group("azure"),)


def test_words_of_a_provider_are_no_longer_than_their_columns() -> None:
    assert group_of("azure", Video("v", model="m" * 9999)).key == ("azure", "m" * 64, "", "")


def test_without_experience_a_minute_or_two_is_a_guess_of_no_jobs() -> None:
    belief = believed([Learned(), Learned()])
    assert belief.jobs == 0
    assert 30 < belief.median < 180
    assert belief.sigma > 1


def test_many_jobs_are_believed() -> None:
    chance = Random(7)
    belief = believed([finished(*(chance.lognormvariate(math.log(60), 0.5) for _ in range(300)))])
    assert belief.median == pytest.approx(60, rel=0.2)
    assert belief.sigma == pytest.approx(0.5, abs=0.12)
    assert belief.jobs == 300


def test_the_first_job_moves_the_guess_but_not_all_the_way() -> None:
    assert believed([Learned()]).median > believed([finished(10)]).median > 10


def test_a_group_with_few_jobs_leans_on_the_wider_one() -> None:
    wide = finished(*[100.0] * 50)
    assert 20 < believed([finished(20), wide]).median < 100
    assert believed([finished(*[20.0] * 40), wide]).median == pytest.approx(20, rel=0.1)


def test_a_server_that_got_slower_is_followed() -> None:
    assert believed([finished(*[30.0] * 200, *[90.0] * 150)]).median == pytest.approx(90, rel=0.15)


def test_a_line_is_learned_for_a_server_that_counts_from_its_queue() -> None:
    learned = Learned()
    for _ in range(60):
        learned = reporting(learned, 50, {0.4: 0.2, 0.7: 0.6, 0.9: 0.87})
    line = learned.line()
    assert line.slope == pytest.approx(1.34, abs=0.08)
    assert line.offset == pytest.approx(-0.335, abs=0.06)


def test_a_server_that_stands_still_says_nothing_of_time() -> None:
    learned = Learned()
    for _ in range(40):
        learned = reporting(learned, 50, {0.2: 0.5, 0.5: 0.5, 0.9: 0.5})
    assert not learned.line().informative


def test_estimates_that_fail_again_and_again_are_trusted_less() -> None:
    chance, learned = Random(3), Learned()
    for _ in range(60):  # each job has a speed of its own for the first half, whatever its time
        speed = chance.uniform(0.3, 1.7)
        learned = reporting(learned, 50, {0.3: 0.3 * speed, 0.4: 0.4 * speed, 0.5: 0.5 * speed})
    assert learned.line().trust > 1.5


@given(st.lists(st.floats(0, 1e9), max_size=40))
def test_whatever_took_however_long_can_be_kept_and_believed(seconds: list[float]) -> None:
    learned = finished(*seconds)
    kept = Learned.from_dict(json.loads(json.dumps(learned.as_dict())))
    belief = believed([kept])
    assert math.isfinite(belief.mu)
    assert 0.03 <= belief.sigma < 20
    assert belief.jobs == len(seconds)
