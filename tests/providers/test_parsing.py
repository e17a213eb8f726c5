"""JSON and scalars from outside."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.providers.parsing import Unreadable, clean_label, clean_number, clean_text, parse_json, parse_rows

DEEP = 5_000


def test_ordinary_json_is_read_as_it_is() -> None:
    assert parse_json(b'{"a": [1, 2.5, "x", true, null]}') == {"a": [1, 2.5, "x", True, None]}


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert parse_json(b'"a\xff"') == "a\ufffd"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 5_000, "1." + "0" * 5_000])
def test_numbers_out_of_range_are_null(number: str) -> None:
    assert parse_json(f'{{"a": {number}, "b": 1}}'.encode()) == {"a": None, "b": 1}


@pytest.mark.parametrize("odd", [b"1e999", b"NaN", b"9" * 5_000, b'"\\ud800"', b'"\xff"', b"[" * DEEP + b"]" * DEEP])
def test_rows_are_read_whatever_odd_value_is_among_them(odd: bytes) -> None:
    page = parse_rows(b'{"odd": ' + odd + b', "data": [{"id": "video_1"}]}')
    assert isinstance(page, dict)
    assert page["data"] == [{"id": "video_1"}]
    assert clean_number(page["odd"]) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": 1', b"{'a': 1}", b"\x00", b"\xff\xfe{\x00}\x00"])
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable, match="not JSON"):
        parse_json(body)


def test_the_last_of_two_equal_keys_counts() -> None:
    assert parse_json(b'{"status": "queued", "status": "completed"}') == {"status": "completed"}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_what_is_nested_too_deep_is_null_and_the_rest_is_kept(opening: str, closing: str) -> None:
    deep = opening * DEEP + "1" + closing * DEEP
    parsed = parse_json(f'{{"before": 1, "deep": {deep}, "after": "]}}\\"["}}'.encode())
    assert isinstance(parsed, dict)
    assert parsed["before"] == 1
    assert parsed["after"] == ']}"['
    assert "null" in json.dumps(parsed["deep"])


def test_several_deep_places_are_each_cut() -> None:
    deep = "[" * DEEP + "]" * DEEP
    parsed = parse_json(f'{{"a": {deep}, "b": 2, "c": {deep}}}'.encode())
    assert isinstance(parsed, dict)
    assert list(parsed) == ["a", "b", "c"]
    assert parsed["b"] == 2


@pytest.mark.parametrize("body", ["[" * DEEP, "[" * DEEP + '"' + '\\"' * 200_000, "[" * DEEP + "]" * DEEP * 2])
def test_deep_nesting_that_never_closes_is_unreadable_and_quickly_so(body: str) -> None:
    with pytest.raises(Unreadable):
        parse_json(body.encode())


@given(st.binary())
def test_whatever_the_bytes_only_unreadable_is_raised(body: bytes) -> None:
    with suppress(Unreadable):
        json.dumps(parse_json(body), allow_nan=False)


def test_lone_surrogates_and_nul_are_replaced() -> None:
    assert clean_text("a\ud800b\x00c", 10) == "a\ufffdb\ufffdc"


def test_a_long_text_is_cut_and_shows_it() -> None:
    assert clean_text("abcdefghij", 10) == "abcdefghij"
    assert clean_text("abcdefghijk", 10) == "abcdefghi…"


@pytest.mark.parametrize("value", ["", "  \n", None, 3, True, ["x"], {"x": "y"}])
def test_blanks_and_other_types_are_no_text(value: object) -> None:
    assert clean_text(value, 10) is None


@given(st.text(alphabet=st.characters(categories=["Cs", "Cc", "L"])), st.integers(2, 50))
def test_a_clean_text_can_be_stored_everywhere(text: str, limit: int) -> None:
    clean = clean_text(text, limit) or ""
    assert "\x00" not in clean
    assert len(clean) <= limit
    assert clean.encode("utf-8").decode() == clean


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3.0), (2.5, 2.5), ("3", 3.0), (" 2.5 ", 2.5), (-1, -1.0), ("1e3", 1e3)]
)
def test_numbers_may_be_written_as_strings(value: object, number: float) -> None:
    assert clean_number(value) == number


@pytest.mark.parametrize(
    "value", [True, None, "x", "", "nan", "inf", float("inf"), float("nan"), 10**400, -(10**18), "9" * 5_000, [1], {}]
)
def test_what_is_no_usable_number_is_none(value: object) -> None:
    assert clean_number(value) is None


@pytest.mark.parametrize(
    ("value", "label"),
    [("8", "8"), (8, "8"), (8.0, "8"), (4.5, "4.5"), (100, "100"), (0, "0"), ("8s", "8s"), (1 / 3, "0.333")],
)
def test_a_label_may_be_a_number(value: object, label: str) -> None:
    assert clean_label(value, 10) == label


@pytest.mark.parametrize("value", [True, None, [], {}, float("nan"), ""])
def test_what_is_neither_text_nor_number_is_no_label(value: object) -> None:
    assert clean_label(value, 10) is None
