"""The texts a template sees: safe as they stand, and still safe after being cut, changed or joined.

A :class:`SafeText` *is* its safe form, so whatever treats it as a string, even by mistake, writes the safe form. What
a template may do to it (compare, cut, count, filter) is done to the raw text beneath, and the result made safe again.
Half an escape, or an escape in the wrong case, cannot come out of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, SupportsIndex

from jinja2 import Undefined

from bridge.rendering.errors import LimitError
from bridge.rendering.slots import Slot, clean, encode, quote

MAX_OUTPUT = 262_144
"""Most bytes of UTF-8 one message may have, and most characters any text on the way to it."""


class SafeText(str):
    """A text made safe for its slot, with the raw text kept beneath.

    Joined with a template's own words, those are kept as they are; changed after that, the whole is made safe as one
    value, the template's words with it.
    """

    _raw: str
    _encoded: str
    _slot: Slot

    __slots__ = ("_encoded", "_raw", "_slot")

    def __new__(cls, raw: str, encoded: str, safe: str, slot: Slot) -> SafeText:
        """A text with all its forms; see :meth:`of` for the usual way to make one."""
        text = super().__new__(cls, safe)
        text._raw = raw
        text._encoded = encoded
        text._slot = slot
        return text

    @classmethod
    def of(cls, text: str, slot: Slot) -> SafeText:
        """A value as a template may see it."""
        raw = clean(text, slot)
        encoded = encode(raw, slot)
        return cls(raw, encoded, quote(encoded, slot), slot)

    def __str__(self) -> SafeText:
        # Jinja turns everything into a string before it writes or joins it; here it must not lose what it is.
        return self

    def __len__(self) -> int:
        return len(self._raw)

    def __iter__(self) -> Iterator[str]:
        return (SafeText.of(each, self._slot) for each in self._raw)

    def __getitem__(self, key: SupportsIndex | slice) -> SafeText:
        return SafeText.of(self._raw[key], self._slot)

    def __contains__(self, other: object) -> bool:
        return isinstance(other, str) and raw(other) in self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __eq__(self, other: object) -> bool:
        return bool(self._raw == raw(other))

    def __ne__(self, other: object) -> bool:
        return bool(self._raw != raw(other))

    def __lt__(self, other: str) -> bool:
        return bool(self._raw < raw(other))

    def __le__(self, other: str) -> bool:
        return bool(self._raw <= raw(other))

    def __gt__(self, other: str) -> bool:
        return bool(self._raw > raw(other))

    def __ge__(self, other: str) -> bool:
        return bool(self._raw >= raw(other))


def raw(value: Any) -> Any:
    """The raw text of a value; everything else is returned as it is."""
    return value._raw if isinstance(value, SafeText) else value


def encoded(value: Any) -> Any:
    """The text of a value encoded but not quoted; everything else is returned as it is."""
    return value._encoded if isinstance(value, SafeText) else value


def printed(value: Any) -> str:
    """What a template writes for a value: null is nothing, and an object or a list cannot be written.

    :raises TypeError: with the remedy.
    """
    if value is None:
        return ""
    if isinstance(value, (str, int, float, Undefined)):
        return str(value)
    name = "a list" if isinstance(value, (list, tuple)) else "an object"
    raise TypeError(f"{name} cannot be written as text: name one of its fields, or use the filter tojson")


def joined(pieces: Iterable[Any]) -> str:
    """The pieces written one after the other; a :class:`SafeText` when one of them is.

    :raises LimitError: it is longer than a message may be.
    """
    texts = [printed(piece) for piece in pieces]
    if sum(len(text) for text in texts) > MAX_OUTPUT:
        raise LimitError(f"a text is longer than {MAX_OUTPUT:,} characters")
    slot = next((text._slot for text in texts if isinstance(text, SafeText)), None)
    if slot is None:
        return "".join(texts)
    return SafeText("".join(map(raw, texts)), "".join(map(encoded, texts)), "".join(texts), slot)


def repeated(text: str, times: int) -> str:
    """The text so many times, one after the other.

    :raises LimitError: that is longer than a message may be.
    """
    if len(text) * times > MAX_OUTPUT:
        raise LimitError(f"a text is longer than {MAX_OUTPUT:,} characters")
    if not isinstance(text, SafeText):
        return text * times
    return SafeText(text._raw * times, text._encoded * times, str.__mul__(text, times), text._slot)


def on_raw(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function of texts on the raw ones; what it returns is made safe again if any of them was a value.

    :raises LimitError: it returned a text that is longer than a message may be.
    """
    slot = next((each._slot for each in (*args, *options.values()) if isinstance(each, SafeText)), None)
    return _again(function(*map(raw, args), **{name: raw(each) for name, each in options.items()}), slot)


def _again(result: Any, slot: Slot | None) -> Any:
    if isinstance(result, (list, tuple)):
        return [_again(each, slot) for each in result]
    if not isinstance(result, str):
        return result
    if len(result) > MAX_OUTPUT:
        raise LimitError(f"a text is longer than {MAX_OUTPUT:,} characters")
    return result if slot is None else SafeText.of(result, slot)


class Fields:
    """An object as a template sees it: its fields and nothing else, whatever they are called.

    A template reaches fields through the environment, which asks :meth:`lookup`; no attribute of this class can be
    reached. Iterating yields pairs of name and value, in order.
    """

    __slots__ = ("_slot", "_values", "name")

    def __init__(self, name: str, values: dict[str, Any], slot: Slot) -> None:
        self.name = name
        self._values = values
        self._slot = slot

    def lookup(self, field: str) -> Any:
        """The value of a field.

        :raises KeyError: there is no such field.
        """
        return self._values[field]

    def pairs(self) -> list[tuple[str, Any]]:
        """Names and values, in order; the names are safe texts, for they may be a stranger's."""
        return [(SafeText.of(name, self._slot), value) for name, value in self._values.items()]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.pairs())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, field: object) -> bool:
        return field in self._values
