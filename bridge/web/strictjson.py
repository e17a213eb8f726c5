"""JSON as strictly as RFC 8259 allows, so that what was sent is what is stored.

Python's parser takes ``NaN``, numbers that overflow to infinity and repeated names; a database takes neither NUL nor
half a surrogate pair. All of that is refused here, in words.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bridge.errors import InvalidRequestError

MAX_DEPTH = 32
MAX_PARTS = 1_000_000
"""So many commas and brackets a body may have: each may cost a hundred bytes of memory once it is read."""

_MAX_DIGITS = 300
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN = 64


class _Repeated(dict[str, Any]):
    """An object that names a field twice, until :func:`parse` reports it with its path."""

    name = ""


def parse(raw: bytes) -> Any:
    """The value that ``raw`` stands for.

    :raises InvalidRequestError: it is not UTF-8, not JSON, too deep, has too many values, or uses what only some
        parsers take.
    """
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_PARTS:
        raise InvalidRequestError(
            "The body has more values than can be read; send less at once.", code="too_many_values"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(f"The body is not valid UTF-8 (byte {error.start}).") from error
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        raise _invalid(
            f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    _check(value)
    return value


def holds_only_storable(raw: bytes) -> bool:
    """Whether what was parsed from ``raw`` surely has nothing that :func:`check_text` refuses.

    NUL and lone surrogates come through the parser only as escapes, so a body without any needs no look at its texts.
    """
    return b"\\u" not in raw


def check_text(value: Any) -> None:
    """Refuse text that cannot be stored: NUL and lone surrogates, in names and values alike.

    :raises InvalidRequestError: with the field in ``param``.
    """
    if not any(map(_UNSTORABLE.search, _texts(value))):
        return
    for path, each in walk(value):
        if isinstance(each, str):
            _check_string(each, path)
        elif isinstance(each, dict):
            for name in each:
                _check_string(name, (*path, name))


def walk(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """All values inside ``value`` with the way to each, itself first, without recursion."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        path, each = waiting.pop()
        yield path, each
        if isinstance(each, dict):
            waiting.extend(((*path, name), inner) for name, inner in reversed(each.items()))
        elif isinstance(each, list):
            waiting.extend(((*path, index), each[index]) for index in reversed(range(len(each))))


def path_text(path: tuple[str | int, ...]) -> str | None:
    """A path as errors name it, for example ``destinations[0].url``; None for the body itself."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_shown(part)}"
    return text.removeprefix(".") or None


def _shown(name: str) -> str:
    """A client's own word as an error may repeat it: printable and not endless."""
    shown = name if name.isprintable() else name.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _levels(value: Any) -> Iterator[list[Any]]:
    """The arrays and objects inside ``value``, by how deep they are, without recursion."""
    level = [value] if isinstance(value, (dict, list)) else []
    while level:
        yield level
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))
        ]


def _texts(value: Any) -> Iterator[str]:
    """All strings inside ``value``, names of fields too, in no order that means something."""
    if isinstance(value, str):
        yield value
    for level in _levels(value):
        for each in level:
            if isinstance(each, dict):
                yield from each
                each = each.values()
            yield from (inner for inner in each if isinstance(inner, str))


def _check(value: Any) -> None:
    repeated = False
    for depth, level in enumerate(_levels(value)):
        if depth >= MAX_DEPTH:
            raise _too_deep()
        repeated = repeated or any(isinstance(each, _Repeated) for each in level)
    if repeated:  # only now the way to it is of interest
        path, each = next((path, each) for path, each in walk(value) if isinstance(each, _Repeated))
        param = path_text((*path, each.name))
        raise InvalidRequestError(f"`{param}` is given twice; keep one.", param=param, code="duplicate_field")


def _check_string(text: str, path: tuple[str | int, ...]) -> None:
    if "\x00" in text:
        problem = "the character U+0000"
    elif _UNSTORABLE.search(text):
        problem = "half of a surrogate pair, which is no character"
    else:
        return
    param = path_text(path)
    raise InvalidRequestError(f"`{param or 'The body'}` has {problem}; remove it.", param=param, code="invalid_text")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeated = _Repeated(value)
    repeated.name = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return repeated


def _no_constant(word: str) -> float:
    raise _invalid(f"The body is not valid JSON: {word} is not a JSON value.")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _invalid("The body has a number that is out of range.")
    return value


def _int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise _invalid("The body has a number that is out of range.")
    return int(text)


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(f"The body is nested more than {MAX_DEPTH} levels deep.", code="too_deep")


def _invalid(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, code="invalid_json")
