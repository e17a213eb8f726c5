"""The filters and tests of a template: Jinja's own where they cannot undo what made a value safe, else ours.

What is missing is missing on purpose: ``safe``, ``forceescape``, ``attr``, ``xmlattr``, ``urlize`` and ``pprint`` lead
out of what is made safe or look into objects; ``random`` would make a message another one each time; the rest nobody
needs in a notification.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial, reduce, wraps
from typing import Any, Protocol

from jinja2 import Environment, Undefined, pass_environment
from jinja2 import filters as jinja
from jinja2.tests import TESTS as JINJA_TESTS

from bridge.rendering.operators import compute, substituted
from bridge.rendering.slots import Slot, encode, shorten
from bridge.rendering.values import Fields, SafeText, encoded, joined, on_raw, printed, raw

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_MAX_INDENT = 100
_MAX_DIGITS = 12


class Placed(Protocol):
    """An environment that knows where its output lands."""

    slot: Slot


def utc(value: Any) -> str | None:
    """Unix seconds as ``2026-11-23 09:53 UTC``; null stays null, and a time beyond the calendar stays a number."""
    if value is None:
        return None
    seconds = float(value)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.0f}"


def duration(value: Any) -> str | None:
    """Seconds (a number, or a text of one) as ``2m 5s``; null stays null."""
    if value is None:
        return None
    seconds = float(raw(value))
    if not math.isfinite(seconds):
        raise ValueError("a duration must be a finite number of seconds")
    rest = round(abs(seconds))
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if seconds < 0 and parts else "") + (" ".join(parts) or "0s")


@pass_environment
def tojson(environment: Placed, value: Any, indent: int | None = None) -> SafeText:
    """The value as JSON, quotes and all, as it may be written into the slot."""
    slot = environment.slot
    plain = _plain(value, encoded if slot.quoted else raw)
    dumped = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=None if indent is None else min(indent, 8))
    safe = encode(dumped, slot) if slot is Slot.HTML else dumped
    return SafeText(dumped, safe, safe, slot)


@pass_environment
def escape(environment: Placed, value: Any) -> Any:
    """A text of the template's own made safe for the slot; a value is safe already."""
    if value is None or isinstance(value, SafeText):
        return value
    return SafeText.of(printed(value), environment.slot)


def default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    """The other value in place of null or of what is not there; with ``boolean`` in place of anything empty."""
    if isinstance(value, Undefined) or value is None or (boolean and not value):
        return other
    return value


@pass_environment
def join(environment: Environment, value: Iterable[Any], between: Any = "", attribute: str | int | None = None) -> str:
    """All items, one after the other, with ``between`` between them."""
    get = jinja.make_attrgetter(environment, attribute) if attribute is not None else lambda item: item
    pieces: list[Any] = []
    for item in value:
        pieces += [between, get(item)]
    return joined(pieces[1:])


def format_(value: Any, *positional: Any, **named: Any) -> str:
    """The text with ``%s``, ``%d`` and the like replaced by the values."""
    return substituted(printed(value), positional, named)


def pairs(value: Any) -> list[tuple[str, Any]]:
    """Names and values of an object, in order."""
    if isinstance(value, Fields):
        return value.pairs()
    if isinstance(value, Mapping):
        return list(value.items())
    raise TypeError("only an object has items")


def dictsort(value: Any, case_sensitive: bool = False, by: str = "key", reverse: bool = False) -> list[tuple[str, Any]]:
    """Names and values of an object, sorted."""
    place = 1 if by == "value" else 0

    def key(pair: tuple[str, Any]) -> Any:
        item = raw(pair[place])
        return item.lower() if isinstance(item, str) and not case_sensitive else item

    return sorted(pairs(value), key=key, reverse=reverse)


def reverse(value: Any) -> Any:
    """A text or a list backwards."""
    return on_raw(lambda text: text[::-1], value) if isinstance(value, str) else list(value)[::-1]


def round_(value: Any, precision: int = 0, method: str = "common") -> float:
    """A number rounded to so many decimals: ``common``, ``ceil`` or ``floor``."""
    digits = max(-_MAX_DIGITS, min(precision, _MAX_DIGITS))
    if method == "common":
        return round(float(raw(value)), digits)
    scale: float = 10.0**digits
    return {"ceil": math.ceil, "floor": math.floor}[method](float(raw(value)) * scale) / scale


def sum_(value: Iterable[Any]) -> Any:
    """The sum of numbers."""
    return reduce(partial(compute, "+"), value, 0)


def _truncate(text: str, length: int = 255, killwords: bool = False, end: str = "…", leeway: int = 0) -> str:
    if len(text) <= length + leeway:
        return text
    short = shorten(text, length, end)
    kept = short.removesuffix(end)
    whole, space, _ = kept.rpartition(" ")
    cut_at_a_word = killwords or not space or text[len(kept)].isspace()
    return short if cut_at_a_word else whole + end


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(printed(old), printed(new), count)


def _indent(text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    return jinja.do_indent(text, width if isinstance(width, str) else min(width, _MAX_INDENT), first, blank)


def _wordwrap(text: str, width: int = 79) -> str:
    return "\n".join("\n".join(textwrap.wrap(line, width)) for line in text.splitlines())


def _on_texts(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def apply(value: Any, *args: Any, **options: Any) -> Any:
        return None if value is None else on_raw(function, printed(value), *args, **options)

    return apply


def _plain(value: Any, text: Callable[[Any], Any]) -> Any:
    """The value as :func:`json.dumps` takes it, its texts through ``text``."""
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, (str, Undefined)):
        return text(str(value))
    if isinstance(value, (Fields, Mapping)):
        return {text(str(name)): _plain(each, text) for name, each in pairs(value)}
    if isinstance(value, Iterable):
        return [_plain(each, text) for each in value]
    raise TypeError("this cannot be written as JSON")


_TEXT_FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": str.capitalize,
    "indent": _indent,
    "lower": str.lower,
    "replace": _replace,
    "striptags": jinja.do_striptags,
    "title": jinja.do_title,
    "trim": str.strip,
    "truncate": _truncate,
    "upper": str.upper,
    "urlencode": jinja.do_urlencode,
    "wordcount": lambda text: len(text.split()),
    "wordwrap": _wordwrap,
}
# These hand on the items they are given, or numbers, and read texts only to compare them.
_AS_THEY_ARE = frozenset(
    {"float", "int", "first", "last", "list", "map", "max", "min"}
    | {"reject", "rejectattr", "select", "selectattr", "sort", "unique"}
)
_JINJA_TESTS: Mapping[str, Any] = JINJA_TESTS
_LOOKING_INSIDE = frozenset({"callable", "escaped", "filter", "test"})

FILTERS: Mapping[str, Callable[..., Any]] = {
    **{name: _on_texts(function) for name, function in _TEXT_FILTERS.items()},
    **{name: jinja.FILTERS[name] for name in _AS_THEY_ARE},
    "abs": abs,
    "count": len,
    "d": default,
    "default": default,
    "dictsort": dictsort,
    "duration": duration,
    "e": escape,
    "escape": escape,
    "format": format_,
    "items": pairs,
    "join": join,
    "length": len,
    "reverse": reverse,
    "round": round_,
    "string": printed,
    "sum": sum_,
    "tojson": tojson,
    "utc": utc,
}

TESTS: Mapping[str, Callable[..., Any]] = {
    name: test for name, test in _JINJA_TESTS.items() if name not in _LOOKING_INSIDE
}
