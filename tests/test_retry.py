"""What follows a failed attempt, and how a receiver's wish to be left alone is read."""

from __future__ import annotations

import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.retry import LONGEST_RETRY_AFTER, Again, GiveUp, GiveUpReason, RetrySchedule, parse_retry_after

NOW = 1_763_870_000.0
SCHEDULE = RetrySchedule((5.0, 30.0, 120.0))
DELAYS = st.lists(st.floats(min_value=0, max_value=86_400), max_size=15).map(tuple)
RETRY_AFTER = st.none() | st.floats(min_value=0, max_value=LONGEST_RETRY_AFTER)
JITTER = st.floats(min_value=0, max_value=1)


def test_after_the_first_attempt_the_first_delay_passes() -> None:
    assert SCHEDULE.after(1, now=NOW, retry_after=None, jitter=0) == Again(NOW + 5, step=1)


def test_each_attempt_has_its_own_delay() -> None:
    following = [SCHEDULE.after(step, now=NOW, retry_after=None, jitter=0) for step in (1, 2, 3)]
    assert following == [Again(NOW + 5, 1), Again(NOW + 30, 2), Again(NOW + 120, 3)]


def test_after_the_last_delay_it_is_over() -> None:
    assert SCHEDULE.after(4, now=NOW, retry_after=None, jitter=0) == GiveUp(GiveUpReason.EXHAUSTED)


def test_no_delays_mean_one_attempt() -> None:
    assert RetrySchedule(()).after(1, now=NOW, retry_after=None, jitter=0) == GiveUp(GiveUpReason.EXHAUSTED)


def test_jitter_lengthens_a_delay_by_up_to_a_tenth() -> None:
    assert SCHEDULE.after(2, now=0, retry_after=None, jitter=0.5) == Again(31.5, 2)
    assert SCHEDULE.after(2, now=0, retry_after=None, jitter=1) == Again(33, 2)


def test_a_longer_retry_after_takes_the_place_of_the_delay() -> None:
    assert SCHEDULE.after(1, now=NOW, retry_after=60, jitter=0) == Again(NOW + 60, 1)


def test_a_shorter_retry_after_does_not_hurry_us() -> None:
    assert SCHEDULE.after(3, now=NOW, retry_after=1, jitter=0) == Again(NOW + 120, 3)


def test_a_day_is_waited_for_and_no_more() -> None:
    assert SCHEDULE.after(1, now=0, retry_after=86_400, jitter=0) == Again(86_400, 1)
    too_long = SCHEDULE.after(1, now=0, retry_after=86_401, jitter=0)
    assert too_long == GiveUp(GiveUpReason.RETRY_AFTER_TOO_LONG)


@pytest.mark.parametrize("delay", [-1.0, math.nan, math.inf])
def test_a_schedule_holds_only_delays(delay: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        RetrySchedule((5.0, delay))


@given(delays=DELAYS, retry_after=RETRY_AFTER, jitter=JITTER, data=st.data())
def test_never_earlier_than_the_schedule_or_the_receiver_says(
    delays: tuple[float, ...], retry_after: float | None, jitter: float, data: st.DataObject
) -> None:
    step = data.draw(st.integers(min_value=1, max_value=len(delays) + 1))
    following = RetrySchedule(delays).after(step, now=NOW, retry_after=retry_after, jitter=jitter)
    if isinstance(following, Again):
        assert following.at >= NOW + delays[step - 1]
        assert following.at >= NOW + (retry_after or 0)
        assert following.at <= NOW + 1.1 * max(delays[step - 1], retry_after or 0) + 1e-3


@given(delays=DELAYS, retry_after=RETRY_AFTER, jitter=JITTER)
def test_there_is_one_attempt_more_than_delays(
    delays: tuple[float, ...], retry_after: float | None, jitter: float
) -> None:
    schedule, now, attempts = RetrySchedule(delays), NOW, 1
    while isinstance(again := schedule.after(attempts, now=now, retry_after=retry_after, jitter=jitter), Again):
        now, attempts = again.at, again.step + 1
    assert attempts == len(delays) + 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 9),
        ({"retry-after-ms": "9500", "retry-after": "9"}, 9.5),
        ({"retry-after": "5, 7"}, 7),
        ({"retry-after": "9" * 40}, float("9" * 40)),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": formatdate(NOW + 60, usegmt=True)}, 60),
        ({"retry-after": formatdate(NOW + 60, localtime=False)}, 60),
        ({"retry-after": formatdate(NOW - 60, usegmt=True)}, 0),
        ({"retry-after": "Sun, 23 Nov 2025 04:00:00 GMT"}, 1763870400 - NOW),
        ({"retry-after": "Sunday, 23-Nov-25 04:00:00 GMT"}, 1763870400 - NOW),
        ({"retry-after": "Sun Nov 23 04:00:00 2025"}, 1763870400 - NOW),
        ({"retry-after": "Sun, 23 Nov 2025 05:00:00 +0100"}, 1763870400 - NOW),
        ({"retry-after": "99999999"}, 99999999),
    ],
)
def test_seconds_and_dates_are_read(headers: dict[str, str], seconds: float) -> None:
    assert parse_retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "-0.5", "+5", "nan", "NaN", "inf", "Infinity", "1e3", "1_000", "0x10", "٣", "12 s", "soon"),
        *("9" * 400, "1." + "0" * 400, "Sun, 99 Nov 2025 04:00:00 GMT", "Sun, 23 Nov 99999 04:00:00 GMT"),
        *("Sun, 23 Nov 2025 04:00:00 +99999999999", "Sun, 23 Nov 2025 99:99:99 GMT", "\x00", "GMT", ",,,"),
    ],
)
def test_nonsense_counts_as_absent(text: str) -> None:
    assert parse_retry_after({"retry-after": text}, NOW) is None
    assert parse_retry_after({"retry-after-ms": text}, NOW) is None


def test_no_header_no_time() -> None:
    assert parse_retry_after({"content-type": "text/plain"}, NOW) is None


DATE_LIKE = st.lists(st.sampled_from([*"0123456789 ,:-+", "Sun", "Nov", "GMT", "2025", "99999"]), max_size=20)


@given(text=st.text() | DATE_LIKE.map("".join) | DATE_LIKE.map(" ".join))
def test_nothing_a_server_sends_makes_it_raise(text: str) -> None:
    seconds = parse_retry_after({"retry-after": text, "retry-after-ms": text}, NOW)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


def test_a_wish_beyond_a_day_ends_it_also_after_the_last_delay() -> None:
    last = RetrySchedule((5.0,)).after(2, now=NOW, retry_after=86_401, jitter=0)
    assert last == GiveUp(GiveUpReason.RETRY_AFTER_TOO_LONG)
