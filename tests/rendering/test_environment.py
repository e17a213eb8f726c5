"""What a template can reach, and what it cannot."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader

from bridge.rendering import Slot
from bridge.rendering.environment import TemplateEnvironment
from tests.rendering.helpers import COMPLETED, failing, prompting, refused, rendered

ODD_KEYS = prompting("x", **{"items": "i", "keys": "k", "__class__": "c", "get": "g", "a b": "s"})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ watch.metadata.items }}{{ watch.metadata.keys }}{{ watch.metadata.get }}", "ikg"),
        ("{{ watch.metadata.__class__ }}{{ watch.metadata['__class__'] }}{{ watch.metadata['a b'] }}", "ccs"),
        ("{% for k, v in watch.metadata %}{{ k }}={{ v }};{% endfor %}", "items=i;keys=k;__class__=c;get=g;a b=s;"),
        ("{% for k, v in watch.metadata|items %}{{ watch.metadata[k] == v }}{% endfor %}", "True" * 5),
        ("{{ watch.metadata|length }} {{ 'items' in watch.metadata }} {{ 'other' in watch.metadata }}", "5 True False"),
    ],
)
def test_metadata_has_the_users_keys_whatever_they_are_called(source: str, text: str) -> None:
    assert rendered(source, told=ODD_KEYS) == text


@pytest.mark.parametrize("name", ["items", "keys", "pairs", "lookup", "name", "_values", "__class__", "get"])
def test_metadata_has_no_key_that_is_not_the_users(name: str) -> None:
    told = prompting("x")
    assert f"watch.metadata has no field {name};" in refused(f"{{{{ watch.metadata.{name} }}}}", told=told).reason
    assert rendered(f"{{{{ watch.metadata['{name}'] is defined }}}}", told=told) == "False"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ foo }}", "'foo' is undefined"),
        ("{% if foo %}{% endif %}", "'foo' is undefined"),
        ("{{ foo.bar }}", "'foo' is undefined"),
        ("{{ foo == 'x' }}", "'foo' is undefined"),
        ("{{ video.nothing }}", "video has no field nothing; for one that need not be there, use the filter default"),
        ("{{ video.error.message }}", "message is asked of null; test first whether there is anything"),
        ("{% if video.error.message %}{% endif %}", "message is asked of null"),
        ("{{ video.prompt.format(1) }}", "there is no format here"),
        ("{{ 'x'['y'] }}", "there is no y here"),
        ("{{ self.nothing() }}", "there is no nothing here"),
        ("{{ video }}", "an object cannot be written as text: name one of its fields, or use the filter tojson"),
        ("{{ [1] }}", "a list cannot be written as text"),
        ("{{ range(1001)|length }}", "range has more than 1,000 numbers"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_so(source: str, reason: str) -> None:
    assert reason in refused(source).reason


def test_null_is_written_as_nothing() -> None:
    assert rendered("[{{ video.error }}{{ none }}{{ 'x' if false }}]") == "[]"


def test_a_null_message_of_an_error_that_is_there_is_nothing() -> None:
    assert rendered("[{{ video.error.message }}]", told=failing(None)) == "[]"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% if event.type == 'video.completed' %}yes{% endif %}", "yes"),
        ("{{ event.type in ['video.completed', 'watch.lost'] }}", "True"),
        ("{{ {'video.completed': 'green'}[event.type] }} {{ {'a': 1}.a }} {{ {'a': 1}['a'] }}", "green 1 1"),
        ("{{ {'a': 1}.get('b', 2) }}{% for k in {'a': 1}.keys() %}{{ k }}{% endfor %} {{ {'get': 3}.get }}", "2a 3"),
        (
            "{% for x in [1, 2] %}{{ loop.index }}/{{ loop.length }}{{ '' if loop.last else ',' }}{% endfor %}",
            "1/2,2/2",
        ),
        ("{% for x in 'ab' %}{{ loop.cycle('odd', 'even') }} {% endfor %}", "odd even"),
        ("{% for x in [[1, [2]]] recursive %}{{ x if x is number else loop(x) }}{% endfor %}", "12"),
        ("{% set ns = namespace(n=0) %}{% for x in range(4) %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "6"),
        ("{% set comma = joiner() %}{{ comma() }}a{{ comma() }}b", "a, b"),
        ("{{ [3, 4][0] }}{{ (5,)[0] }}{{ 'abc'[1] }}{{ 'abc'[-2:] }}", "35bbc"),
        ("{{ video.prompt.startswith('A paper') }} {{ 'a-b'.split('-')|length }}", "True 2"),
        ("{% macro m(x, y='!') %}{{ x }}{{ y }}{% endmacro %}{{ m('hi') }}", "hi!"),
        ("{{ watch.url == links.watch }} {{ provider|title }} {{ video.size.split('x')[0] }}", "True Openai 1280"),
        ("{% raw %}{{ x }}{% endraw %}{# never seen #}", "{{ x }}"),
    ],
)
def test_what_templates_usually_do(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% autoescape false %}x{% endautoescape %}", "values are made safe for where they land"),
        ("{% include 'x' %}", "cannot include or import another one"),
        ("{% import 'x' as y %}", "cannot include or import another one"),
        ("{% from 'x' import y %}", "cannot include or import another one"),
        ("{% extends 'x' %}", "a template cannot extend another one"),
        ("{% do 1 %}", "unknown tag 'do'"),
        ("{% if %}", "Expected an expression"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_line(source: str, reason: str) -> None:
    error = refused(f"first\nsecond {source}")
    assert error.line == 2
    assert reason in error.reason


def test_the_line_of_a_mistake_while_rendering_is_named() -> None:
    assert refused("one\n{% macro m() %}\n{{ foo }}\n{% endmacro %}\n{{ m() }}").line == 3


def test_a_template_in_a_folder_may_import_from_it() -> None:
    files = {"m": "{% macro b(x) %}<b>{{ x }}</b>{% endmacro %}", "t": "{% import 'm' as m %}{{ m.b(video.prompt) }}"}
    environment = TemplateEnvironment(Slot.HTML, DictLoader(files))
    text = rendered("{{ video.prompt }}", Slot.HTML, COMPLETED)
    assert environment.get_template("t").render(video={"prompt": text}) == f"<b>{text}</b>"
