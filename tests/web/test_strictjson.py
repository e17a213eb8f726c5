from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError
from bridge.web.strictjson import MAX_DEPTH, MAX_PARTS, check_text, parse, path_text, walk

Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refused(raw: bytes) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        parse(raw)
    return caught.value


@given(Json)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_in_words(raw: bytes) -> None:
    try:
        parse(raw)
    except InvalidRequestError as error:
        assert error.message.endswith(".")  # noqa: PT017 - either is right, anything else is not


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\xff{}", "not valid UTF-8 (byte 0)"),
        (b'"\xed\xa0\x80"', "not valid UTF-8 (byte 1)"),
        (b'{"a": }', "line 1, column 7"),
        (b"{} {}", "Extra data"),
        (b"{'a': 1}", "not valid JSON"),
        (b"[NaN]", "NaN is not a JSON value"),
        (b"[-Infinity]", "-Infinity is not a JSON value"),
        (b"[1e999]", "out of range"),
        (b"[" + b"1" * 5000 + b"]", "out of range"),
        (b'"a\nb"', "control character"),
    ],
)
def test_what_is_not_strict_json_is_refused(raw: bytes, says: str) -> None:
    error = refused(raw)
    assert says in error.message
    assert (error.param, error.code) == (None, "invalid_json")


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"a": [1, {"b": 1, "c": 2, "c": 3}]}', "a[1].c"),
        (b'{"\\ud800": 1, "\\ud800": 1}', "\\ud800"),
    ],
)
def test_a_name_given_twice_is_refused(raw: bytes, param: str) -> None:
    error = refused(raw)
    assert (error.param, error.code) == (param, "duplicate_field")


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"[]" + b"}" * (depth - 1)


def test_a_body_may_be_so_deep_and_no_deeper() -> None:
    assert parse(nested(MAX_DEPTH))
    assert refused(nested(MAX_DEPTH + 1)).code == "too_deep"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_endless_nesting_is_refused_whatever_the_parser_says(opening: bytes) -> None:
    assert refused(opening * 100_000).code in ("too_deep", "invalid_json")
    assert refused(b"[" * 100_000 + b"]" * 100_000).code == "too_deep"


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ("\x00", None),
        ({"a": ["", "\x00"]}, "a[1]"),
        ({"a": {"b": "x\udfff"}}, "a.b"),
        ({"a": {"b\x00": 1}}, "a.b\\x00"),
        ([{"\ud800": 1}], "[0].\\ud800"),
    ],
)
def test_text_that_no_database_takes_is_refused_by_name(value: object, param: str | None) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_text(value)
    assert (caught.value.param, caught.value.code) == (param, "invalid_text")


@given(Json)
def test_a_value_is_refused_exactly_when_it_has_such_text(value: object) -> None:
    texts = [each for _, each in walk(value) if isinstance(each, str)]
    texts += [name for _, each in walk(value) if isinstance(each, dict) for name in each]
    try:
        check_text(value)
    except InvalidRequestError:
        assert any("\x00" in text for text in texts)
    else:
        assert not any("\x00" in text for text in texts)


def test_a_walk_goes_in_order() -> None:
    paths = [path for path, _ in walk({"a": [1, 2], "b": {}})]
    assert paths == [(), ("a",), ("a", 0), ("a", 1), ("b",)]


def test_a_path_repeats_no_endless_name() -> None:
    assert path_text(("x" * 1000, 3)) == "x" * 63 + "…[3]"


@pytest.mark.parametrize("part", [b"0", b"[]", b'{"a":0}'])
def test_a_body_of_very_many_values_is_refused_before_it_is_read(part: bytes) -> None:
    parts = part.count(b"[") + part.count(b"{") + 1
    fits = MAX_PARTS // parts
    body = b"[" + b",".join([part] * (fits + 1)) + b"]"
    assert refused(body).code == "too_many_values"


def test_as_many_values_as_may_be_are_read() -> None:
    assert len(parse(b"[" + b"0," * (MAX_PARTS - 1) + b"0]")) == MAX_PARTS
