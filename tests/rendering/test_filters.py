"""Filters: useful, and still safe."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.models import Video
from bridge.rendering import Slot
from bridge.rendering.slots import clean
from tests.rendering.helpers import COMPLETED, FAILED, READERS, prompting, refused, rendered

# Everything a template can do to a value on its way to the output; in a JSON string each must stay inside it.
CHANGES = [
    "video.prompt",
    "video.prompt|lower",
    "video.prompt|upper",
    "video.prompt|title",
    "video.prompt|capitalize",
    "video.prompt|trim",
    "video.prompt|reverse",
    "video.prompt|truncate(5)",
    "video.prompt|truncate(5, true, '')",
    "video.prompt|replace('\\\\', '')",
    "video.prompt|replace('\"', '\\\\')",
    "video.prompt|replace('x', video.prompt)",
    "'axb'|replace('x', video.prompt)",
    "video.prompt|indent(2)",
    "video.prompt|wordwrap(4)",
    "video.prompt|striptags",
    "video.prompt|urlencode",
    "video.prompt|string",
    "video.prompt|e",
    "video.prompt|escape|e",
    "video.prompt|default('x')",
    "video.prompt|list|join('')",
    "video.prompt|list|sort|join",
    "video.prompt|unique|join",
    "video.prompt|map('upper')|join(video.prompt[:1])",
    "video.prompt|select('ne', 'a')|join",
    "[video.prompt]|first",
    "(video.prompt, 'x')|min",
    "'%.4s'|format(video.prompt)",
    "'a' ~ video.prompt ~ 'b'",
    "('a' ~ video.prompt)[:4]",
    "('a' ~ video.prompt)|upper",
    "('a' + video.prompt)|truncate(4, true, '')",
    "video.prompt * 2",
    "video.prompt[1:]",
    "video.prompt[:3]",
    "video.prompt[::2]",
    "video.prompt.upper()",
    "video.prompt.replace('a', '\"')",
    "video.prompt.strip('\"')",
    "video.prompt.split('\"')|join(' ')",
    "video.prompt.splitlines()|join('/')",
    "video.prompt.removeprefix('\\\\')",
    "watch.metadata.note[:2]",
    "watch.metadata|map('last')|join",
    "watch.metadata|map('first')|join",
    "watch.metadata|dictsort|map('first')|join",
]
HOSTILE = st.text("\\\"'<>&@here\n\r\tu0e9é%{}😀\u202eÀ", min_size=1, max_size=12)
SLOTS = st.sampled_from(Slot)


@pytest.mark.parametrize("change", CHANGES)
@given(text=HOSTILE, slot=SLOTS)
@settings(max_examples=40)
def test_no_change_makes_a_value_unsafe(change: str, slot: Slot, text: str) -> None:
    told = prompting(text, note=text, **{text: text})
    READERS[slot](rendered(f"{{{{ {change} }}}}", slot, told))


@pytest.mark.parametrize(
    "source",
    [
        "{% set x %}{{ video.prompt }}{% endset %}{{ x[:3] }}",
        "{% set x = video.prompt %}{{ x|truncate(3, true, '') }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(video.prompt)[:3] }}",
        "{% filter upper %}{{ video.prompt }}{% endfilter %}",
        "{% filter truncate(3, true, '') %}{{ video.prompt }}{% endfilter %}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ video.prompt[:3] }}{% endcall %}",
        "{% block b %}{{ video.prompt }}{% endblock %}{{ self.b()[:3] }}",
        "{% set ns = namespace(x='') %}{% for c in video.prompt %}{% set ns.x = ns.x ~ c %}{% endfor %}{{ ns.x[:3] }}",
    ],
)
@given(text=HOSTILE, slot=SLOTS)
@settings(max_examples=40)
def test_no_detour_makes_a_value_unsafe(source: str, slot: Slot, text: str) -> None:
    READERS[slot](rendered(source, slot, prompting(text)))


@pytest.mark.parametrize("slot", [Slot.JSON, Slot.SLACK])
@given(text=HOSTILE)
@settings(max_examples=40)
def test_tojson_writes_a_whole_json_value(slot: Slot, text: str) -> None:
    dumped = json.loads(rendered("{{ video|tojson }}", slot, prompting(text)))
    assert READERS[slot](json.dumps(dumped["prompt"])[1:-1]) == clean(text, slot)


@given(text=HOSTILE)
def test_tojson_shows_json_in_html(text: str) -> None:
    shown = READERS[Slot.HTML](rendered("{{ [video.prompt]|tojson }}", Slot.HTML, prompting(text)))
    assert json.loads(shown) == [clean(text, Slot.HTML)]


def test_tojson_never_writes_what_decodes_to_a_mention() -> None:
    dumped = rendered("{{ video.prompt|tojson }}", Slot.SLACK, prompting("<!channel>"))
    assert dumped == '"&lt;!channel&gt;"'


def test_a_text_put_together_for_slack_keeps_its_links() -> None:
    source = '{% set text %}*{{ video.prompt }}*\n<{{ links.watch }}|Open>{% endset %}{"text": {{ text|tojson }}}'
    text = json.loads(rendered(source, Slot.SLACK, prompting("<b>")))["text"]
    assert text == f"*&lt;b&gt;*\n<{COMPLETED.watch_url}|Open>"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ watch.metadata|tojson }}", '{"campaign": "spring", "shot": "04", "requested_by": "Ana López"}'),
        ("{{ {'a': [1, none, true, 2.5, range(2)]}|tojson }}", '{"a": [1, null, true, 2.5, [0, 1]]}'),
        ("{{ links.watch|tojson|length > 10 }}", "True"),
        ("{{ [1]|tojson(2) }}", "[\n  1\n]"),
        ("{{ ('a' ~ none)|tojson }}", '"a"'),
    ],
)
def test_tojson_takes_whatever_there_is(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize("source", ["{{ foo|tojson }}", "{{ range|tojson }}", "{{ (1e308 * 10)|tojson }}"])
def test_tojson_refuses_what_is_not_json(source: str) -> None:
    assert refused(source).line == 1


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 'one two three'|truncate(9) }}", "one two…"),
        ("{{ 'one two three'|truncate(9, true) }}", "one two…"),
        ("{{ 'onetwothree'|truncate(6) }}", "onetw…"),
        ("{{ 'one two three'|truncate(9, false, '...') }}", "one..."),
        ("{{ 'one two'|truncate(5, leeway=2) }}", "one two"),
        ("{{ 'one'|truncate }}", "one"),
    ],
)
def test_truncate_cuts_between_words(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0", "0s"),
        ("125", "2m 5s"),
        ("59.6", "1m"),
        ("3605", "1h 5s"),
        ("90061", "1d 1h 1m 1s"),
        ("-125", "-2m 5s"),
        ("-0.2", "0s"),
        ("'8'", "8s"),
        ("none", ""),
    ],
)
def test_durations_are_told_in_words(seconds: str, text: str) -> None:
    assert rendered(f"{{{{ {seconds}|duration }}}}") == text


def test_a_duration_may_come_from_the_video() -> None:
    assert rendered("{{ video.seconds|duration }} {{ (video.completed_at - video.created_at)|duration }}") == "8s 2m 5s"


def test_a_duration_without_end_is_refused() -> None:
    assert "finite" in refused("{{ (1e308 * 10)|duration }}").reason


def test_times_are_told_absolutely() -> None:
    assert rendered("{{ event.created_at|utc }}") == "2025-11-23 03:55 UTC"
    assert (
        rendered("{{ video.completed_at|utc|default('never') }}", told=replace(COMPLETED, video=Video("v"))) == "never"
    )


@pytest.mark.parametrize("seconds", ["1763870000000", "-99999999999999"])
def test_a_time_beyond_the_calendar_stays_a_number(seconds: str) -> None:
    assert rendered(f"{{{{ {seconds}|utc }}}}") == seconds


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ video.error|default('none') }}", "none"),
        ("{{ watch.metadata.nothing|default('-') }}", "-"),
        ("{{ foo|d }}", ""),
        ("{{ ''|default('empty', true) }}{{ ''|default('empty') }}", "empty"),
        ("{{ video.error|upper|default('x') }}", "x"),
    ],
)
def test_default_stands_in_for_null_and_for_what_is_not_there(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 'ab cd'|title }} {{ 'ab'|upper }} {{ 'AB'|lower }} {{ ' a '|trim }}", "Ab Cd AB ab a"),
        ("{{ 'a b c'|wordcount }} {{ 'abc'|length }} {{ [1, 2]|count }}", "3 3 2"),
        ("{{ 'ab'|reverse }} {{ [1, 2]|reverse|join }} {{ 'ab'|first }}{{ 'ab'|last }}", "ba 21 ab"),
        ("{{ 'a\nb'|indent(2) }} {{ 'a\nb'|indent('> ', true) }}", "a\n  b > a\n> b"),
        ("{{ '<b>x</b> y'|striptags }} {{ 'a b/c&'|urlencode }}", "x y a%20b/c%26"),
        ("{{ 'abcdef'|wordwrap(3) }}", "abc\ndef"),
        ("{{ 2.567|round(1) }} {{ 2.1|round(method='ceil') }} {{ 2.59|round(1, 'floor') }}", "2.6 3.0 2.5"),
        (
            "{{ 5|round(-999999999) }} {{ [1, 2.5]|sum }} {{ -1|abs }} {{ '7'|int + 1 }} {{ 'x'|int(2) }}",
            "0.0 3.5 1 8 2",
        ),
        ("{{ {'b': 1, 'A': 2}|dictsort|map('first')|join }}", "Ab"),
        ("{{ {'b': 1, 'a': 2}|dictsort(by='value')|map('first')|join }}", "ba"),
        ("{{ {'B': 1, 'a': 2}|dictsort(true, reverse=true)|map('first')|join }}", "aB"),
        ("{% for k, v in {'a': 1}|items %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ [{'n': 1}, {'n': 2}]|map(attribute='n')|join('+') }} {{ [{'n': 1}]|join(attribute='n') }}", "1+2 1"),
        ("{{ [1, 2, 3]|select('odd')|list|tojson }} {{ [3, 1]|sort|join }} {{ [1, 1]|unique|join }}", "[1, 3] 13 1"),
    ],
)
def test_what_templates_usually_ask_of_filters(source: str, text: str) -> None:
    assert rendered(source) == text


def test_escaping_a_word_of_the_template_is_for_its_slot() -> None:
    assert rendered("{{ '<\">'|e }}", Slot.SLACK) == '&lt;\\"&gt;'
    assert rendered("{{ none|e }}{{ 7|e }}", Slot.HTML) == "7"


def test_escaping_a_value_again_changes_nothing() -> None:
    assert rendered("{{ video.prompt|e|escape }}", Slot.HTML, prompting("<")) == "&lt;"


@pytest.mark.parametrize("name", ["safe", "forceescape", "attr", "xmlattr", "urlize", "pprint", "random", "nonsense"])
def test_a_filter_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    error = refused(f"one\n{{% if false %}}{{{{ video.id|{name} }}}}{{% endif %}}")
    assert error.line == 2
    assert f"there is no filter '{name}'; there are: abs, capitalize, count" in error.reason


@pytest.mark.parametrize("name", ["callable", "escaped", "filter", "test"])
def test_a_test_that_looks_inside_is_refused(name: str) -> None:
    assert f"there is no test '{name}'" in refused(f"{{{{ 1 is {name} }}}}").reason


def test_only_objects_have_items() -> None:
    assert refused("{{ [1]|items }}").reason == "only an object has items"


def test_a_failed_video_tells_its_error_in_capitals() -> None:
    assert rendered("{{ video.error.code|upper }}", told=FAILED) == "MODERATION_BLOCKED"
