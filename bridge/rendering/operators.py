"""What ``+ - * / // % **`` do in a template: bounded, and never undoing what made a value safe."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bridge.rendering.errors import LimitError
from bridge.rendering.values import Fields, joined, on_raw, printed, raw, repeated

MAX_BITS = 4_096
"""Most bits an integer may have that a template computes."""
MAX_ITEMS = 10_000
"""Most items of a list that a template computes."""

_NUMERIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
OPERATORS = frozenset(_NUMERIC)
# printf-style, as far as it cannot look into an object (%r) or take its width from an argument (%*d).
_PLACE = re.compile(r"%(?:\((?P<name>\w{1,64})\))?(?P<form>[#0\- +]{0,5}\d{0,3}(?:\.\d{1,3})?(?P<kind>[sdifegxXo%]))")


def compute(symbol: str, left: Any, right: Any) -> Any:
    """The value of ``left symbol right``.

    :raises TypeError: the operator does not apply to these.
    :raises LimitError: the result is larger than a template may make it.
    """
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return _number(symbol, left, right)
    if symbol == "%" and isinstance(left, str):
        return _substituted(left, right)
    if symbol == "+" and isinstance(left, str) and isinstance(right, str):
        return joined((left, right))
    if symbol == "+" and isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return [*left, *right] if len(left) + len(right) <= MAX_ITEMS else _too_many()
    if symbol == "*" and isinstance(left, (str, list, tuple)) and isinstance(right, int):
        return _repeated(left, right)
    if symbol == "*" and isinstance(left, int) and isinstance(right, (str, list, tuple)):
        return _repeated(right, left)
    hint = "; texts and numbers are joined by ~" if symbol == "+" else ""
    raise TypeError(f"{symbol} does not apply to {_kind(left)} and {_kind(right)}{hint}")


def substituted(text: str, positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """The text with ``%s``, ``%d``, ``%.1f``, ``%(name)s`` and the like replaced; each value stays safe.

    :raises TypeError: the places and the values do not match.
    :raises ValueError: a place is not of a form that is known here.
    """
    values = iter(positional)
    pieces: list[str] = []
    position = 0
    for place in _PLACE.finditer(raw(text)):
        pieces += [_literal(text[position : place.start()]), _filled(place, values, named)]
        position = place.end()
    pieces.append(_literal(text[position:]))
    if any(True for _ in values):
        raise TypeError("there are more values than places in the text")
    return joined(pieces)


def _number(symbol: str, left: float, right: float) -> Any:
    if symbol == "**" and isinstance(left, int) and abs(right) * left.bit_length() > MAX_BITS:
        raise LimitError(f"a number is larger than {MAX_BITS:,} bits")
    result = _NUMERIC[symbol](left, right)
    if isinstance(result, int) and result.bit_length() > MAX_BITS:
        raise LimitError(f"a number is larger than {MAX_BITS:,} bits")
    return result


def _substituted(text: str, values: Any) -> str:
    if isinstance(values, dict):
        return substituted(text, (), values)
    if isinstance(values, Fields):
        return substituted(text, (), {raw(name): value for name, value in values})
    return substituted(text, values if isinstance(values, (list, tuple)) else (values,), {})


def _filled(place: re.Match[str], values: Iterator[Any], named: Mapping[str, Any]) -> str:
    kind, form = place["kind"], f"%{place['form']}"
    if kind == "%":
        return "%"
    try:
        value = named[place["name"]] if place["name"] else next(values)
    except (KeyError, StopIteration) as error:
        raise TypeError(f"there is no value for {place[0]}") from error
    filled: str = on_raw(lambda given: form % given, printed(value) if kind == "s" else value)
    return filled


def _literal(text: str) -> str:
    if "%" in text:
        raise ValueError("a % in the text begins no place that is known here; write %% for the sign itself")
    return text


def _repeated(thing: Any, times: int) -> Any:
    if isinstance(thing, str):
        return repeated(thing, times)
    return list(thing) * times if len(thing) * times <= MAX_ITEMS else _too_many()


def _too_many() -> Any:
    raise LimitError(f"a list has more than {MAX_ITEMS:,} items")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, (int, float)):
        return "a number"
    return "null" if value is None else "an object"
