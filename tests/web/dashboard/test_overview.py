from __future__ import annotations

from dataclasses import replace

from bridge.models import WatchStatus
from bridge.web.dashboard.charts import Bar, Part, bar_chart, nice_ceiling, time_histogram
from tests.web.dashboard.conftest import HOSTILE, FakeInsight, Visit

NOW = 1_763_870_000.0


async def test_figures_are_shown_with_their_charts(visit: Visit, insight: FakeInsight) -> None:
    insight.figures = replace(
        insight.figures,
        now=NOW,
        ended={int(NOW // 3600): {WatchStatus.COMPLETED: 7, WatchStatus.TIMED_OUT: 2}},
        detection=[0.4, 1.5, 3.0],
        latency=[0.01] * 19 + [70.0],
        looks=[2, 4, 12],
    )
    await visit.get("/overview")
    for shown in ("03:00: 9", "6.0", "median <b>2 s</b>", "p95 <b>3 s</b>", "≤ 0.1 s: 19", "5 min: 1"):
        assert shown in visit.html


async def test_where_nothing_happened_yet_it_says_so(visit: Visit) -> None:
    await visit.get("/overview")
    assert "No watch ended in the last 24 hours" in visit.html
    assert visit.html.count("Nothing yet") == 2


def test_bars_stand_on_each_other_and_reach_as_high_as_they_are_many() -> None:
    drawn = bar_chart([Bar("03:00", (Part("good", 1), Part("bad", 1)))], "Ended")
    assert 'class="good" x="110.2" y="78.0" width="371.5" height="68.0"' in drawn
    assert 'class="bad" x="110.2" y="10.0" width="371.5" height="68.0"' in drawn
    assert 'aria-label="Ended. 03:00: 2"' in drawn


def test_words_in_a_chart_stay_words() -> None:
    assert HOSTILE not in bar_chart([Bar(HOSTILE, (Part("main", 1),))], HOSTILE)


def test_an_empty_chart_says_that_it_is() -> None:
    assert 'aria-label="Times. nothing yet"' in time_histogram([], "Times")


def test_each_time_is_counted_once() -> None:
    drawn = time_histogram([0.1, 0.11, 0.5, 299.0, 301.0, 1e9], "Times")
    assert 'aria-label="Times. ≤ 0.1 s: 1, 0.5 s: 2, 5 min: 1, more: 2"' in drawn


def test_a_scale_ends_at_a_round_number() -> None:
    assert [nice_ceiling(value) for value in (0, 1, 2, 3, 5, 11, 21, 41, 101)] == [2, 2, 2, 4, 10, 20, 40, 100, 200]
