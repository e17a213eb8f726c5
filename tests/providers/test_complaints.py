"""What is shown of a provider's complaints."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import VideoError
from bridge.providers.complaints import Mask, read_complaint


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            b'{"error": {"message": "no such video", "type": "x", "param": null, "code": "gone"}}',
            "gone",
            "no such video",
        ),
        (b'{"error": "no such video"}', None, "no such video"),
        (b'{"detail": "Video not found"}', None, "Video not found"),
        (b'{"detail": [{"loc": ["path", "video_id"], "msg": "not a uuid"}]}', None, "not a uuid"),
        (b'{"code": "task_not_exist", "message": "task not exist", "data": null}', "task_not_exist", "task not exist"),
        (b'{"error": {"code": 404}}', "404", None),
        (b"<html><h1>Bad Gateway</h1></html>", None, None),
        (b"[]", None, None),
        (b"", None, None),
    ],
)
def test_complaints_come_in_many_shapes(body: bytes, code: str | None, message: str | None) -> None:
    assert read_complaint(body) == VideoError(code, message)


def test_a_key_is_hidden_wherever_it_is_repeated() -> None:
    mask = Mask(["sk-secret/1+2"])
    assert mask("Incorrect key sk-secret/1+2 (SK-SECRET/1+2, sk-secret%2F1%2B2)") == "Incorrect key *** (***, ***)"


def test_a_key_longer_than_any_message_is_hidden_whole() -> None:
    key = "ey" * 3_000
    complaint = read_complaint(b'{"detail": "bad token %s"}' % key.encode())
    assert Mask([key])(complaint.message or "") == "bad token ***"


def test_each_word_of_a_header_is_hidden_too() -> None:
    assert Mask(["Bearer abcdef"])("bad token abcdef, sent as Bearer abcdef") == "bad token ***, sent as ***"


def test_a_value_that_begins_another_leaves_nothing_of_it() -> None:
    assert Mask(["key", "key-of-ours"])("no key-of-ours here") == "no *** here"


def test_a_value_repeated_inside_quoted_json_is_hidden() -> None:
    assert Mask(['a"b\\c'])(r'upstream said {"key": "a\"b\\c"}') == 'upstream said {"key": "***"}'


def test_a_value_with_blanks_is_hidden_however_it_is_broken() -> None:
    assert Mask(["a  b"])("sent a b, a  b and a\nb") == "sent ***, *** and ***"


def test_values_of_a_letter_or_two_are_no_secrets() -> None:
    assert Mask(["1", ""])("video 123 not found") == "video 123 not found"


def test_without_values_nothing_is_hidden() -> None:
    assert Mask([])("all of it") == "all of it"


def test_what_is_shown_stands_on_one_line() -> None:
    assert Mask([])("a\nb\r\n\tc\x00d\x1b[31me\u202ef\u2028g  ") == "a b c d [31me f g"


def test_what_is_shown_is_short() -> None:
    assert Mask([])("x" * 200) == "x" * 200
    assert Mask([])("x" * 201) == "x" * 199 + "…"


ASCII = st.characters(min_codepoint=32, max_codepoint=126)


@given(
    st.text(ASCII.filter(lambda letter: letter != "*"), min_size=3).filter(lambda key: key.strip() == key), st.text()
)
def test_no_text_ever_shows_the_key(key: str, around: str) -> None:
    shown = Mask([key])(f"{around}{key}{around} {quote(key, safe='')} {quote_plus(key)}")
    assert len(shown) <= 200
    assert key not in shown
