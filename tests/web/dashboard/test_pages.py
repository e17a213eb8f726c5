from __future__ import annotations

import pytest

from bridge.web.dashboard.pages import iso, local_path, middle, rough, short, span, utc


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.3, "300 ms"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (90_061, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_a_length_of_time_is_told_in_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_in_a_list_it_is_told_in_one() -> None:
    assert (rough(125), rough(90_061), rough(3)) == ("2 min", "1 d", "3 s")


def test_moments_are_absolute() -> None:
    assert utc(1_763_870_000) == "2025-11-23 03:53:20"
    assert iso(1_763_870_000) == "2025-11-23T03:53:20Z"
    assert utc(1e300) == "1970-01-01 00:00:00"


def test_long_texts_are_shortened() -> None:
    assert short("a" * 10, 5) == "aaaa…"
    assert middle("video_0123456789", 9) == "vide…6789"
    assert (short("abc"), middle("abc")) == ("abc", "abc")


@pytest.mark.parametrize("path", ["deliveries?status=failed", "watches/watch_1", "", "?q=a%3Ab", "?q=a:b"])
def test_a_path_of_ours_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize("path", ["/x", "//x", "http:x", "a//b", "a\\b", "../x", "a\nb"])
def test_another_is_not(path: str) -> None:
    assert local_path(path) == ""
