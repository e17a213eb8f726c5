"""Safe texts and the objects they are in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rendering import Slot
from bridge.rendering.errors import LimitError
from bridge.rendering.values import MAX_OUTPUT, Fields, SafeText, encoded, joined, on_raw, printed, raw, repeated

ODD = SafeText.of('a "b" <c>', Slot.SLACK)


def written(text: str) -> str:
    """What goes to the wire: the characters themselves, whatever the type says of itself."""
    return "".join([text])


def test_a_value_is_written_safe_and_compared_as_it_is() -> None:
    assert written(ODD) == 'a \\"b\\" &lt;c&gt;'
    assert ODD == 'a "b" <c>'
    assert ODD != 'a \\"b\\" &lt;c&gt;'
    assert {'a "b" <c>': 1}[ODD] == 1


def test_a_value_is_ordered_and_searched_as_it_is() -> None:
    assert "<" in ODD
    assert "&lt;" not in ODD
    assert None not in ODD
    assert ODD < "b" <= SafeText.of("b", Slot.SLACK)
    assert ODD > "a" >= SafeText.of("a", Slot.SLACK)


def test_a_value_is_counted_and_taken_apart_as_it_is() -> None:
    assert len(ODD) == 9
    assert [written(each) for each in ODD][-3:] == ["&lt;", "c", "&gt;"]
    assert written(ODD[2:4]) == '\\"b'


def test_what_is_joined_keeps_the_templates_own_words() -> None:
    text = joined(["<", ODD, "> ", 7, None])
    assert written(text) == '<a \\"b\\" &lt;c&gt;> 7'
    assert raw(text) == '<a "b" <c>> 7'
    assert encoded(text) == '<a "b" &lt;c&gt;> 7'


def test_what_is_changed_after_joining_is_made_safe_as_a_whole() -> None:
    assert written(joined(["<", ODD])[:2]) == "&lt;a"


def test_a_value_repeated_is_as_safe_as_once() -> None:
    twice = repeated(ODD, 2)
    assert written(twice) == written(ODD) * 2
    assert (raw(twice), encoded(twice)) == (raw(ODD) * 2, encoded(ODD) * 2)


def test_words_of_the_template_alone_stay_a_plain_text() -> None:
    assert type(joined(["<", "b", ">"])) is str
    assert type(on_raw(str.upper, "<b>")) is str


def test_one_value_among_the_arguments_makes_the_result_a_value() -> None:
    assert written(on_raw(str.replace, "<x>", "x", SafeText.of("y", Slot.HTML))) == "&lt;y&gt;"


def test_every_text_of_a_list_is_made_safe_again() -> None:
    assert [written(each) for each in on_raw(str.split, ODD)] == ["a", '\\"b\\"', "&lt;c&gt;"]


@given(st.text(max_size=30), st.sampled_from(Slot), st.integers(0, 30))
def test_a_piece_is_as_safe_as_a_value_of_its_own(text: str, slot: Slot, place: int) -> None:
    value = SafeText.of(text, slot)
    assert written(value[:place]) == written(SafeText.of(raw(value)[:place], slot))


@pytest.mark.parametrize(("value", "text"), [(None, ""), (7, "7"), (1.5, "1.5"), (True, "True"), ("x", "x")])
def test_what_can_be_written_is_written(value: object, text: str) -> None:
    assert printed(value) == text


@pytest.mark.parametrize("value", [[1], (1,), {}, object(), Fields("video", {}, Slot.TEXT)])
def test_what_cannot_be_written_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be written as text"):
        printed(value)


def test_no_text_grows_beyond_a_message() -> None:
    with pytest.raises(LimitError):
        joined(["x" * MAX_OUTPUT, "y"])
    with pytest.raises(LimitError):
        on_raw(str.replace, "x" * 1_000, "x", "y" * 1_000)


def test_an_object_has_its_fields_and_nothing_else() -> None:
    thing = Fields("thing", {"a<b": 1, "items": 2}, Slot.HTML)
    assert [(written(name), value) for name, value in thing] == [("a&lt;b", 1), ("items", 2)]
    assert len(thing) == 2
    assert "items" in thing
    assert thing.lookup("items") == 2
    with pytest.raises(KeyError):
        thing.lookup("pairs")
