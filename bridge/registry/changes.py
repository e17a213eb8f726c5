"""What a change makes of a destination: decided here, written by the service. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from bridge.errors import InvalidRequestError
from bridge.models import EventType
from bridge.registry.bodies import BODIES, AnyDestination
from bridge.registry.destinations import refusal_of

ROTATION = ("previous_secret", "previous_until")
"""Settings that a rotation leaves; no body has them."""

# Of the fields of a change, those that are columns of their own.
_SWITCHES = frozenset({"enabled", "default", "fallback"})
# What may be secret from whoever is told the next URL.
_CONFIDED = ("headers", "api_key")
# Whom a mail comes from and goes to, and in which form, stands in the rendered body.
_WITHIN_BODY = frozenset({"preset", "from", "to"})


def own_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a change that is about what the kind asks for."""
    return {name: value for name, value in given.items() if name not in _SWITCHES}


def changed_body(
    kind: str, events: Sequence[EventType], settings: Mapping[str, Any], given: Mapping[str, Any]
) -> AnyDestination:
    """The destination with the given fields in place of its own; what depends on others is left to be completed.

    :raises InvalidRequestError: the kind has no such field, or the field cannot be that.
    """
    model = BODIES[kind]
    known = {field.alias or name for name, field in model.model_fields.items()}
    own = own_fields(given)
    for name in own:
        if name not in known:
            raise InvalidRequestError(
                f"`{name}` is not a field of a {kind} destination.", param=name, code="unknown_field"
            )
    kept = {name: value for name, value in settings.items() if name not in ROTATION}
    if "preset" in own and own["preset"] != kept["preset"]:
        kept["url"] = None  # it was the other service's
    try:
        return model.model_validate({"kind": kind, "events": events, **kept, **own})
    except ValidationError as error:
        raise refusal_of(error) from error


def check_moved(settings: Mapping[str, Any], given: Mapping[str, Any], url: str) -> None:
    """What was confided to one server is not sent to another unless it is given again.

    :raises InvalidRequestError: naming the field.
    """
    if _server(settings["url"]) == _server(url):
        return
    for name in _CONFIDED:
        if settings.get(name) and name not in given:
            raise InvalidRequestError(
                f"The `url` leads to another server, so say what `{name}` shall be there: it is never taken along.",
                param=name,
                code="missing",
            )


def changed_settings(settings: Mapping[str, Any], fresh: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings to keep. A secret that somebody sets ends a rotation."""
    rest = {name: settings[name] for name in ROTATION if name in settings and "secret" not in given}
    return {**fresh, **rest}


def rotated(settings: Mapping[str, Any], old: str, new: str, until: float) -> dict[str, Any]:
    """The settings with a new signing secret; the old one signs beside it until then."""
    return {**settings, "secret": new, "previous_secret": old, "previous_until": until}


def changes_bodies(settings: Mapping[str, Any], fresh: Mapping[str, Any]) -> bool:
    """Whether what was rendered for this destination is for somebody else now."""
    return any(settings.get(name) != fresh.get(name) for name in _WITHIN_BODY)


def circle(name: str, fallback: str, fallbacks: Mapping[str, str | None]) -> list[str] | None:
    """The way from a destination over its fallbacks back to itself; None when there is no such way.

    :param fallbacks: of every destination by name, as they are.
    """
    way = [name]
    step: str | None = fallback
    while step is not None and step not in way:
        way.append(step)
        step = fallbacks.get(step)
    return [*way, name] if step == name else None


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
