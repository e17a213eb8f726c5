"""Messages and their parts: which parts a kind's message has, and where each lands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.models import EventType
from bridge.rendering.slots import Slot

Templates = str | Mapping[EventType, str]
"""The templates of a destination: one for everything, or one per event type."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a message.

    :param slot: where the values in it land.
    :param json: whether the whole part must be JSON.
    """

    slot: Slot
    json: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What a kind's messages consist of.

    :param parts: the parts by name. In a template of several parts each is a block of that name.
    :param body: the parts that a template without such blocks stands for.
    """

    parts: Mapping[str, Part]
    body: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """This form as plain data."""
        return {"parts": {name: [part.slot, part.json] for name, part in self.parts.items()}, "body": self.body}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Form:
        """The inverse of :meth:`as_data`."""
        parts = {name: Part(Slot(slot), json) for name, (slot, json) in data["parts"].items()}
        return cls(parts, tuple(data["body"]))


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message.

    :param parts: what the template gave; a part it has no block for is missing.
    :param in_blocks: whether the parts came from blocks. Else the template was the bare body, and what belongs around
        it (the frame of an HTML mail) is not in it.
    """

    parts: Mapping[str, str]
    in_blocks: bool = False


FORMS: Mapping[str, Form] = {
    "callback": Form({"body": Part(Slot.JSON, json=True)}, body=("body",)),
    "slack": Form({"body": Part(Slot.SLACK, json=True)}, body=("body",)),
    "email-webhook": Form(
        {"subject": Part(Slot.LINE), "text": Part(Slot.TEXT), "html": Part(Slot.HTML)}, body=("text", "html")
    ),
}
"""The form of each destination kind's message."""


def template_for(templates: Templates | None, event_type: EventType) -> str | None:
    """The destination's own template for an event type, or None when it has none."""
    return templates if templates is None or isinstance(templates, str) else templates.get(event_type)
