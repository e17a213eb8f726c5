"""Templates that want something else than a message. None of them may render, or take long to be refused."""

from __future__ import annotations

_LOOP = "{{% for {0} in range(1000) %}}"


def _loops(depth: int, inside: str) -> str:
    names = "abcdefghijklmnopqrstuvwxyz"[:depth]
    return "".join(_LOOP.format(name) for name in names) + inside + "{% endfor %}" * depth


# These end at a bound or at a look at the template; each takes milliseconds.
REFUSED = {
    # What is computed while compiling.
    "a long text": "{{ 'a' * 300000000 }}",
    "a text times a text": "{{ 'a' * 100000 * 100000 }}",
    "a large power": "{{ (7 ** 30000000) % 10 }}",
    "a tower of powers": "{{ 10 ** (10 ** (10 ** 10)) }}",
    "a negative power": "{{ 7 ** -30000000 }}",
    "a long product": "{{ " + " * ".join(["(2 ** 2000)"] * 50) + " }}",
    "a long list": "{{ ([0] * 1000000000)|length }}",
    "a text joined with itself": "{{ ('a' * 200000) ~ ('b' * 200000) }}",
    "a wide place": "{{ '%99999999d' % 1 }}",
    "a place as wide as an argument": "{{ '%*d' % (99999999, 1) }}",
    "a precise place": "{{ '%.99999999f'|format(1.5) }}",
    "a number of five thousand digits": "{{ " + "9" * 5_000 + " }}",
    "a range": "{{ range(1000000000)|list|length }}",
    "a range beyond any machine": "{{ range(10 ** 100)|length }}",
    # What is nested too deeply to be read.
    "brackets": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "lists": "{{ " + "[" * 20_000 + "]" * 20_000 + " }}",
    "signs": "{{ " + "-" * 30_000 + "1 }}",
    "a sum": "{{ " + "1 + " * 15_000 + "1 }}",
    "filters": "{{ 'a'" + "|upper" * 10_000 + " }}",
    "attributes": "{{ video" + ".a" * 20_000 + " }}",
    "loops in loops": "{% for a in [1] %}" * 60 + "{% endfor %}" * 60,
    "conditions in conditions": "{% if 1 %}" * 150 + "x" + "{% endif %}" * 150,
    "not enough room": "x" * 65_537,
    # What calls itself.
    "a macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "two macros": "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a caller": "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
    "a block": "{% block b %}{{ self.b() }}{% endblock %}",
    "a loop": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    # What grows.
    "doubling": "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubling lists": "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "squaring": "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "output": _loops(2, "{{ 'x' * 1000 }}"),
    "output in a variable": "{% set x %}" + _loops(1, "{{ 'x' * 1000 }}") + "{% endset %}",
    "output in a macro": "{% macro m() %}" + _loops(1, "x" * 1_000) + "{% endmacro %}{{ m() }}",
    "values again and again": _loops(1, "{{ video }}"),
    "a replacement": "{{ ('x' * 10000).replace('x', 'y' * 1000) }}",
    # The way to Python's insides.
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "classes by index": "{{ ''['__class__'] }}",
    "the class of a value": "{{ video.prompt.__class__ }}",
    "the class of an object": "{{ video['__class__'].__mro__ }}",
    "the class of metadata": "{{ watch.metadata.__class__.__init__.__globals__ }}",
    "the raw text of a value": "{{ video.prompt._raw }}",
    "the values of an object": "{{ video._values }}",
    "the filter attr": "{{ video|attr('__class__') }}",
    "attr by its name": "{{ [video]|map('attr', '__class__')|list|tojson }}",
    "safe by its name": "{{ [video.prompt]|map('safe')|list|tojson }}",
    "an attribute by its name": "{{ [video]|map(attribute='__class__')|list|tojson }}",
    "a chosen attribute": "{{ [video]|selectattr('__class__')|list|tojson }}",
    "a sorting attribute": "{{ [video, watch]|sort(attribute='__class__')|tojson }}",
    "format": "{{ '{0.__class__}'.format(video) }}",
    "format_map": "{{ '{x.__class__}'.format_map({'x': video}) }}",
    "a representation": "{{ '%r'|format(video) }}",
    "the globals of a function": "{{ range.__globals__ }}",
    "the globals of a class": "{{ namespace.__init__.__globals__ }}",
    "the globals of a joiner": "{{ joiner('x').__call__.__globals__ }}",
    "the insides of a macro": "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "the insides of a loop": "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "the insides of the template": "{{ self._TemplateReference__context }}",
    "the insides of a block": "{% block b %}{% endblock %}{{ self.b._context }}",
    "the insides of a method": "{{ video.prompt.upper.func }}",
    "the insides of a module": "{{ self.__init__.__globals__ }}",
    "code of a generator": "{{ ([1]|map('string')).gi_frame }}",
    "lipsum": "{{ lipsum.__globals__['os'] }}",
    "cycler": "{{ cycler.__init__.__globals__ }}",
    "dict": "{{ dict.__base__ }}",
    "config": "{{ config }}",
    "request": "{{ request.application }}",
    "bytes": "{{ (1).to_bytes(1000000000, 'big') }}",
    "an encoding": "{{ 'x'.encode('idna') }}",
    "a translation": "{{ 'x'.translate({}) }}",
    "changing a list": "{{ [].append(1) }}",
    "changing a dict": "{{ {}.update({1: 2}) }}",
    "changing an object": "{% set video.prompt = 'x' %}",
    # What switches safety off, or reads files.
    "safe": "{{ video.prompt|safe }}",
    "safe where it is never run": "{% if false %}{{ video.prompt|safe }}{% endif %}",
    "autoescape": "{% autoescape false %}{{ video.prompt }}{% endautoescape %}",
    "forceescape": "{{ video.prompt|forceescape }}",
    "xmlattr": "{{ {'a': video.prompt}|xmlattr }}",
    "urlize": "{{ video.prompt|urlize }}",
    "pprint": "{{ video|pprint }}",
    "include": "{% include '/etc/passwd' %}",
    "include if there is one": "{% include '/etc/passwd' ignore missing %}",
    "import": "{% import 'os' as os %}",
    "from": "{% from 'os' import environ %}",
    "extends": "{% extends '/etc/passwd' %}",
    "debug": "{% debug %}",
    "do": "{% do [].append(1) %}",
    "trans": "{% trans %}x{% endtrans %}",
    # Spaces.
    "spaces that are too many": "{{ ' ' * 262145 }}",
    "lines that are too many": "{{ '\n' * 262145 }}",
    "an indent that is too wide": "{{ ('a\n' * 100000)|indent(1000000) }}",
    "spaces before a number": "{{ '%999d' % 1 ~ '%99999d' % 1 }}",
    "spaces in the middle": "{{ 'x'.center(100000000) }}",
    "spaces to the left": "{{ 'x'.rjust(100000000) }}",
    "zeros": "{{ 'x'.zfill(100000000) }}",
    "tabs": "{{ ('\t' * 1000).expandtabs(100000000) }}",
    # Filters, misused.
    "a filter that is not there": "{{ video|tojsonn }}",
    "center": "{{ 'x'|center(100000000) }}",
    "batch": "{{ range(1000)|batch(100000000, 'x')|list|tojson }}",
    "slice": "{{ range(1000)|slice(100000000)|list|tojson }}",
    "groupby": "{{ [video]|groupby('__class__')|list }}",
    "random": "{{ range(1000)|random }}",
    "filesizeformat": "{{ 1|filesizeformat }}",
    "a filter of a filter": "{{ [video]|map('map', 'attr', '__class__')|list|tojson }}",
    "a filter block that is not there": "{% filter safe %}{{ video.prompt }}{% endfilter %}",
    "a wrap of no width": "{{ video.prompt|wordwrap(0) }}",
    "a large replacement of nothing": "{{ ('x' * 100000)|replace('', 'y' * 100) }}",
    "a large join": "{{ range(1000)|join('x' * 1000) }}",
    "a join of joins": "{{ (range(1000)|join('x' * 200), range(1000)|join('x' * 200))|join }}",
    "a list of texts": "{{ [('x' * 100000)] * 100 | tojson }}",
    "a sum of lists": "{{ ([[0] * 9000] * 9)|sum(attribute=0) }}",
    "a test of a test": "{{ [1]|select('test', 'x')|list }}",
    "a test that looks inside": "{{ video is callable }}",
    "sorting what has no order": "{{ [1, 'x', video]|sort|tojson }}",
    "a time that is none": "{{ 'x'|utc }}",
    "an escape that is none": "{{ video|escape }}",
    "a url of everything": "{{ ('ü' * 200000)|urlencode }}",
    # Letters that are more than they seem.
    "letters that grow": "{{ ('\u0390' * 262144)|upper }}",
    "letters that grow in HTML": "{{ ('&' * 262144)|e ~ 'x' }}",
    "an emoji for every byte": "{{ '\U0001f469' * 70000 }}",
    "names that are normalized": "{{ video.__ｃlass__ }}",
    "a name in other letters": "{{ video.__сlass__ }}",
    # What is simply wrong.
    "an open bracket": "{{",
    "an open loop": "{% for x in y %}",
    "half a character": "{{ '\\ud800' }}",
    "nothing by that name": "{{ nothing }}",
}

# These would run for hours or years; only the deadline ends them.
ENDLESS = {
    "empty loops": _loops(8, ""),
    "loops in a block": "{% block body %}" + _loops(5, "") + "{% endblock %}",
    "loops that compare": _loops(4, "{% if a == b %}{% endif %}"),
    "a macro for every turn": "{% macro m(n) %}" + _loops(1, "") + "{% endmacro %}" + _loops(3, "{{ m(a) }}"),
    "a caller for every turn": "{% macro m() %}{{ caller() }}{% endmacro %}"
    + _loops(3, "{% call m() %}" + _LOOP.format("z") + "{% endfor %}{% endcall %}"),
    "a loop that calls itself": "{% for x in [range(40)] recursive %}{% for y in range(2) %}"
    "{{ loop_([x[1:]]) if false else '' }}{% for z in range(1000) %}{% for w in range(1000) %}"
    "{% for v in range(1000) %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
    "tags without end": "{% set n = '<>' * 130000 %}" + _loops(2, "{% set x = n|striptags %}"),
    "words without end": _loops(2, "{% set x = ('a-' * 130000)|wordwrap(1) %}"),
    "titles without end": _loops(2, "{% set x = ('a ' * 130000)|title %}"),
    "sorting without end": _loops(2, "{% set x = range(1000)|sort|reverse|list %}"),
    "joining without end": _loops(2, "{% set x = range(1000)|join('x' * 200) %}"),
    "lists of lists": "{% set n = namespace(x=[]) %}" + _loops(2, "{% set n.x = [n.x, [0] * 90] %}"),
    "a shared list": "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
    "{{ n.x|tojson }}",
}

# These would take gigabytes; the limit of memory ends them.
LARGE = {
    "a large replacement": "{{ ('x' * 260000).replace('', 'y' * 260000) }}",
    "texts in a list": "{% set n = namespace(x=[]) %}" + _loops(2, "{% set n.x = n.x + ['x' * (200000 + b)] %}"),
    "replacements side by side": "{% set n = namespace(x=[]) %}"
    + _loops(2, "{% set n.x = n.x + [('x' * 500).replace('x', 'y' * 500)] %}"),
}
