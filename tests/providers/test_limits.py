"""What providers say of their limits."""

from __future__ import annotations

import pytest

from bridge.providers.limits import LONGEST_HOLD, hold_of, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12ms", 0.012), ("1s", 1), ("1m30s", 90), ("1h0m1.5s", 3601.5), ("250µs", 0.00025), ("2", 2), ("0.5", 0.5)],
)
def test_a_duration_is_read_as_go_writes_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1d", "s", "1m 30s", "1" * 100 + "s", "nan"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


def test_who_has_nothing_left_is_left_alone_until_the_reset() -> None:
    assert hold_of({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}) == LONGEST_HOLD
    assert hold_of({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}) == 2


@pytest.mark.parametrize("remaining", ["", "1", "100", "none", "-0"])
def test_as_long_as_something_is_left_nobody_waits(remaining: str) -> None:
    assert hold_of({"x-ratelimit-remaining-requests": remaining, "x-ratelimit-reset-requests": "2s"}) == 0


def test_a_limit_without_a_reset_holds_nobody() -> None:
    assert hold_of({"x-ratelimit-remaining-requests": "0"}) == 0
