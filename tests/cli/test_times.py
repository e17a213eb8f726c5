from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.times import parse_since, show_age, show_duration, show_time

NOW = 1_763_870_000.5


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"  # spelled out, as some machines know no places
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"), [("45s", 45), ("30m", 1800), ("2h", 7200), ("1d", 86_400), ("2w", 1_209_600), (" 2h ", 7200)]
)
def test_a_length_of_time_means_so_long_ago(text: str, ago: int) -> None:
    assert parse_since(text, NOW) == int(NOW - ago)


def test_digits_are_unix_seconds() -> None:
    assert parse_since("1763870000", NOW) == 1_763_870_000


@given(st.integers(0, 7_000_000_000))
def test_an_iso_time_with_an_offset_is_that_moment(seconds: int) -> None:
    assert parse_since(datetime.fromtimestamp(seconds, UTC).isoformat(), NOW) == seconds


@pytest.mark.usefixtures("in_berlin")
def test_an_iso_time_without_an_offset_is_local() -> None:
    assert parse_since("2025-11-23T05:00", NOW) == parse_since("2025-11-23T04:00Z", NOW)
    assert parse_since("2025-11-23", NOW) == parse_since("2025-11-22T23:00:00+00:00", NOW)


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "-5m", "h", "2y", "٣", "2025-13-01", "99999999999h"])
def test_anything_else_is_refused_with_what_is_understood(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: give Unix seconds, an ISO date"):
        parse_since(text, NOW)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "999999999d"])
def test_a_moment_before_unix_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="before 1970"):
        parse_since(text, NOW)


@given(st.text(max_size=30))
def test_no_text_leads_to_another_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_since(text, NOW) >= 0


@pytest.mark.usefixtures("in_berlin")
def test_times_are_shown_in_local_time_with_their_offset() -> None:
    assert show_time(1_763_870_000) == "2025-11-23 04:53:20 +01:00"


def test_a_time_beyond_all_calendars_is_shown_as_it_is() -> None:
    assert show_time(2**60) == str(2**60)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (-3, "0s"), (0.4, "0s"), (45, "45s"), (60, "1m"), (125, "2m 5s"), (3600, "1h"), (90_000, "1d 1h")],
)
def test_a_duration_shows_its_two_greatest_units(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


@given(st.integers(0, 10**9))
def test_a_duration_loses_less_than_its_second_unit(seconds: int) -> None:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    parts = show_duration(seconds).split()
    total = sum(int(part[:-1]) * units[part[-1]] for part in parts)
    assert 0 <= seconds - total < 3600


def test_an_age_shows_its_greatest_unit_only() -> None:
    assert show_age(NOW - 3 * 3600 - 59, NOW) == "3h"


def test_an_age_from_the_future_of_another_clock_is_zero() -> None:
    assert show_age(NOW + 60, NOW) == "0s"
