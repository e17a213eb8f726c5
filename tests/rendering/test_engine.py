"""From a template to the parts of a message."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from jinja2 import Template

from bridge.models import EventType
from bridge.rendering import FORMS, Form, Message, Slot, TemplateError, Told, template_for
from bridge.rendering.engine import MAX_LINE, Output, render_message
from bridge.rendering.errors import LimitError
from tests.rendering.helpers import COMPLETED, compiled, prompting, refused, rendered

EMAIL = FORMS["email-webhook"]
ODD = prompting('one "two"\n<three> & @here')


def message(source: str, form: Form = EMAIL, told: Told = ODD) -> Message:
    return render_message(partial(compiled, source), form, told.as_dict())


def broken(source: str, form: Form) -> TemplateError:
    with pytest.raises(TemplateError) as raised:
        message(source, form)
    return raised.value


def test_each_block_is_a_part_with_values_for_its_place() -> None:
    blocks = "".join(f"{{% block {name} %}}{{{{ video.prompt }}}}{{% endblock %}}\n" for name in EMAIL.parts)
    assert message(blocks) == Message(
        {
            "subject": 'one "two" <three> & @here',
            "text": 'one "two"\n<three> & @here',
            "html": "one &quot;two&quot;\n&lt;three&gt; &amp; @here",
        },
        in_blocks=True,
    )


def test_a_part_without_a_block_is_missing() -> None:
    assert message("{% block subject %}Hi{% endblock %}").parts == {"subject": "Hi"}


def test_a_template_without_blocks_is_the_body() -> None:
    bare = message("{{ video.prompt[4:9] }} <b>")
    assert bare == Message({"text": '"two" <b>', "html": "&quot;two&quot; <b>"})


def test_a_block_of_another_name_is_part_of_the_body() -> None:
    assert message("a {% block footer %}b{% endblock %}").parts == {"text": "a b", "html": "a b"}


def test_blocks_know_the_macros_and_variables_around_them() -> None:
    source = (
        "{% set word = 'hello ' ~ video.prompt[:3] %}{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}"
        "{% block subject %}{{ twice(word) }}{% endblock %}{% block text %}{{ self.subject() }}!{% endblock %}"
    )
    assert message(source).parts == {"subject": "hello onehello one", "text": "hello onehello one!"}


def test_a_message_of_one_part_is_the_whole_template() -> None:
    source = '{"a": "{% block body %}{{ video.prompt }}{% endblock %}"}'
    assert message(source, FORMS["slack"]).parts == {
        "body": '{"a": "one \\"two\\"\\n&lt;three&gt; &amp; @\N{WORD JOINER}here"}'
    }


@pytest.mark.parametrize("kind", ["callback", "slack"])
@pytest.mark.parametrize("source", ['{"a": {{ video.prompt }} }', '{"a": }', '"a', "", '{"a": NaN}', "[" * 5_000])
def test_what_has_to_be_json_is_json(kind: str, source: str) -> None:
    broken(source, FORMS[kind])


def test_what_is_wrong_with_the_json_is_said() -> None:
    assert "not JSON: Expecting value: line 2 column 6" in broken('{\n"a": }', FORMS["callback"]).reason


def test_a_line_is_one_line_whatever_the_template_is() -> None:
    text = rendered("\n  {{ video.prompt }}\r\n\x07 {{ '\\n' }} x  \n", Slot.LINE, prompting("a\nb"))
    assert text.split() == ["a", "b", "x"]
    assert len(text.splitlines()) == 1


def test_a_line_is_not_too_long() -> None:
    assert len(rendered("{{ 'x' * 1000 }}", Slot.LINE)) == MAX_LINE


def test_a_text_has_no_controls_and_no_blank_ends() -> None:
    assert rendered("\n\n a{{ '\\x00\\x1b' }}\tb \n") == "a\tb"


def test_a_text_that_no_wire_takes_is_refused() -> None:
    assert "surrogates not allowed" in refused("{{ '\\ud800' }}").reason


def test_the_output_is_counted_while_it_is_made() -> None:
    taken = []

    def chunks() -> Iterator[str]:
        for number in range(100):
            taken.append(number)
            yield "é" * 10

    with pytest.raises(LimitError, match="larger than 50 bytes"):
        Output(50).collect(chunks())
    assert len(taken) == 3


def test_all_parts_of_a_message_count_together() -> None:
    half = "{% block text %}{{ 'x' * 140000 }}{% endblock %}"
    assert len(message(half).parts["text"]) == 140_000
    assert "larger than 262,144 bytes" in broken(half + half.replace("text", "html"), EMAIL).reason


def test_calling_itself_without_end_is_said_to_be_that() -> None:
    assert "calls itself without end" in refused("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").reason


@pytest.mark.parametrize(
    "source",
    [
        "\n\n{{ foo }}",
        "\n\n{{ 'a' * 300000000 }}",
        "\n\n{{ 7 ** 30000000 }}",
        "\n\n{{ 'x' * 262145 }}",
        "\n\n{% for a in range(999) %}{{ 'x' * 999 }}{% endfor %}",
        "{% macro m() %}\n\n{{ m() }}{% endmacro %}{{ m() }}",
        "\n\n{{ " + "(" * 20_000 + " }}",
        "\n\n{{ 1 " + "+ 1 " * 15_000 + "}}",
        "\n\n{% include 'x' %}",
    ],
    ids=lambda source: source.strip()[:20],
)
def test_whatever_goes_wrong_has_its_line(source: str) -> None:
    assert refused(source).line == 3


def test_json_has_only_so_many_values() -> None:
    most = "[{% for a in range(99) %}[{% for b in range(100) %}1,{% endfor %}1],{% endfor %}" + "1]"
    assert "more than 10,000 values" in broken(most, FORMS["callback"]).reason
    assert "body" in message("[" + "1," * 9_998 + "1]", FORMS["callback"]).parts


def test_running_out_of_memory_is_said_to_be_that() -> None:
    def exhausted(slot: Slot) -> Template:
        raise MemoryError

    with pytest.raises(TemplateError, match="more memory than it may have"):
        render_message(exhausted, EMAIL, ODD.as_dict())


def test_a_reason_is_one_line_of_bounded_length() -> None:
    reason = refused("{{ {}['" + "x\\n" * 5_000 + "'] }}").reason
    assert len(reason) <= 500
    assert len(reason.splitlines()) == 1


def test_an_error_tells_where_it_is() -> None:
    assert str(TemplateError("it is odd", 3, "video.failed")) == "video.failed, line 3: it is odd"
    assert str(TemplateError("it is odd")) == "it is odd"


def test_a_form_survives_the_pipe() -> None:
    assert [Form.from_data(form.as_data()) for form in FORMS.values()] == list(FORMS.values())


def test_a_destination_may_have_one_template_or_one_per_event_type() -> None:
    per_type = {EventType.VIDEO_FAILED: "oh"}
    assert template_for("x", EventType.WATCH_LOST) == "x"
    assert template_for(per_type, EventType.VIDEO_FAILED) == "oh"
    assert template_for(per_type, EventType.WATCH_LOST) is None
    assert template_for(None, EventType.WATCH_LOST) is None


def test_what_a_template_says_of_a_video_is_what_was_told() -> None:
    assert message("{{ video.id }}", told=COMPLETED).parts["text"] == COMPLETED.video.id
