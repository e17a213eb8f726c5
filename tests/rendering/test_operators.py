"""Arithmetic and formatting in templates."""

from __future__ import annotations

import pytest

from bridge.rendering import Slot
from tests.rendering.helpers import prompting, refused, rendered

ODD = prompting('a "b" <c>')


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 7 + 2 }} {{ 7 - 2 }} {{ 7 * 2 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % 2 }} {{ 7 ** 2 }}", "9 5 14 3.5 3 1 49"),
        ("{{ 2 ** 0.5 }}", "1.4142135623730951"),
        ("{{ 'a' + 'b' }} {{ 'ab' * 2 }} {{ 2 * 'ab' }} [{{ 'ab' * -1 }}] {{ '' * 10 ** 12 }}", "ab abab abab []"),
        ("{{ ([1] + [2])|tojson }} {{ ([1] * 3)|tojson }} {{ (2 * (1,))|tojson }}", "[1, 2] [1, 1, 1] [1, 1]"),
        ("{{ 'x' ~ 1 ~ none ~ 2.5 }}", "x12.5"),
    ],
)
def test_what_templates_usually_compute(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ '%s has %d of %.1f%%' % ('it', 3, 4.25) }}", "it has 3 of 4.2%"),
        ("{{ '%(a)s-%(b)03d' % {'a': 'x', 'b': 7} }}", "x-007"),
        ("{{ '|%5s|%-5s|' % ('a', 'b') }}", "|    a|b    |"),
        ("{{ '%s'|format(none) }}", ""),
        ("{{ '%(status)s' % video }}", "completed"),
        ("{{ '%s and %s'|format('a', 'b') }} {{ '%(x)s'|format(x=1) }}", "a and b 1"),
    ],
)
def test_places_are_filled(source: str, text: str) -> None:
    assert rendered(source) == text


def test_a_value_in_a_place_stays_safe_and_the_words_around_it_as_they_are() -> None:
    assert rendered("{{ '<%s>' % video.prompt }}", Slot.SLACK, ODD) == '<a \\"b\\" &lt;c&gt;>'


def test_a_value_cut_by_its_place_is_not_cut_within_an_escape() -> None:
    assert rendered("{{ '%.3s' % video.prompt }}", Slot.JSON, ODD) == 'a \\"'


def test_a_value_as_the_text_with_the_places_stays_safe() -> None:
    assert rendered("{{ video.prompt % 'x' }}", Slot.HTML, prompting("<%s>")) == "&lt;x&gt;"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ '%r' % video.prompt }}", "begins no place that is known here"),
        ("{{ '%*d' % (3, 4) }}", "begins no place"),
        ("{{ '100%' % () }}", "begins no place"),
        ("{{ '%s %s' % 'a' }}", "there is no value for %s"),
        ("{{ '%(a)s' % {} }}", "there is no value for %(a)s"),
        ("{{ '%s' % ('a', none) }}", "more values than places"),
        ("{{ '%d' % 'a' }}", "%d format"),
        ("{{ 'a' + 1 }}", "+ does not apply to a text and a number; texts and numbers are joined by ~"),
        ("{{ none - 1 }}", "- does not apply to null and a number"),
        ("{{ [1] / video }}", "/ does not apply to a list and an object"),
        ("{{ foo + 1 }}", "'foo' is undefined"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' * 262145 }}", "a text is longer than 262,144 characters"),
        ("{{ [0] * 10001 }}", "a list has more than 10,000 items"),
        ("{{ ([0] * 10000 + [1])|length }}", "a list has more than 10,000 items"),
        ("{{ 2 ** 5000 }}", "a number is larger than 4,096 bits"),
        ("{{ (2 ** 2000) * (2 ** 2000) * (2 ** 2000) }}", "a number is larger than 4,096 bits"),
    ],
)
def test_what_does_not_go_says_why(source: str, reason: str) -> None:
    assert reason in refused(source).reason
