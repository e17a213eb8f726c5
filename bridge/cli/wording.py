"""What the API refuses, in the words of the command line: the options that a field was given by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WATCH = {
    "video_id": "VIDEO_ID",
    "callback_url": "--callback-url",
    "destinations": "--destination",
    "provider": "--provider",
    "metadata": "--metadata",
    "key": "--key",
    "timeout": "--timeout",
}
_IN_FULL = {"slack": "--slack", "email-webhook": "--email"}
"""Which option of `watch` stands for a destination in full, by its kind."""

_DESTINATION = {
    "name": "NAME",
    "to": "--email",
    "preset": "--preset",
    "from": "--from",
    "api_key": "--api-key-file",
    "secret": "--secret-file",
    "events": "--events",
    "default": "--default",
    "fallback": "--fallback",
}
_URLS = {"callback": "--callback-url", "slack": "--slack", "email-webhook": "--url"}
_FILTERS = {name: f"--{name}" for name in ("status", "provider", "metadata", "limit", "after", "since")}

_FIELD = re.compile(r"(?P<name>\w+)(?:\[(?P<place>[^\]]*)\])?.*")
_QUOTED = re.compile(r"`([^`]+)`")


def sentence_of(message: str, param: str | None, sent: Mapping[str, Any] | None) -> str:
    """A refusal as one sentence, with what it is about in front.

    :param param: the field it is about.
    :param sent: the body of the request.
    """
    about = param and (option_of(param, sent) or param)
    said = _QUOTED.sub(lambda quoted: f"`{option_of(quoted[1], sent) or quoted[1]}`", message)
    return said if not about or said.startswith(f"`{about}`") else f"{about}: {said}"


def option_of(field: str, sent: Mapping[str, Any] | None) -> str | None:
    """The option or argument that a field of a request stands for; None when there is none."""
    found = _FIELD.fullmatch(field)
    if found is None:
        return None
    name, place = found["name"], found["place"]
    if sent is None or not {"video_id", "kind"} & sent.keys():
        return _FILTERS.get(name)
    if "kind" in sent:
        return _URLS.get(sent["kind"]) if name == "url" else _DESTINATION.get(name)
    if name == "destinations" and place is not None and place.isdigit():
        given = sent.get("destinations", [])[int(place)]
        return "--destination" if isinstance(given, str) else _IN_FULL.get(given["kind"])
    return _WATCH.get(name)
