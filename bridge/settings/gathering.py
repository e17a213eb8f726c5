"""Put together what the variables say about each provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.settings.model import OPENAI_URL
from bridge.settings.sources import Found
from bridge.settings.values import quoted
from bridge.settings.variables import OPENAI_DETAILS, provider_variable, split_provider_variable

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEFAULT = "openai"


@dataclass(slots=True)
class Gathered:
    """The texts of each provider by field, the variable each came from, the default's name, and what is wrong."""

    providers: dict[str, dict[str, str]] = field(default_factory=dict)
    variables: dict[tuple[str, str], str] = field(default_factory=dict)
    default: str = _DEFAULT
    problems: list[str] = field(default_factory=list)

    def variable_of(self, name: str, detail: str) -> str:
        """The variable that a provider's field came from, or would come from."""
        return self.variables.get((name, detail), provider_variable(name, detail.upper()))


def gather_providers(found: Mapping[str, Found]) -> Gathered:
    """Sort the variables of providers by name.

    The provider ``openai`` is there when one of its variables is set, or when there is no other. Its URL has a
    default. Every provider takes the common rate unless it has its own.
    """
    gathered = Gathered()
    for variable, one in found.items():
        name_and_detail = _name_and_detail(variable)
        if name_and_detail is not None:
            _add(gathered, *name_and_detail, variable, one.value)
    if not gathered.providers and not gathered.problems:
        gathered.providers[_DEFAULT] = {}
    for name, details in gathered.providers.items():
        details["name"] = name
        if name == _DEFAULT:
            details.setdefault("base_url", OPENAI_URL)
        if "BRIDGE_POLL_RATE" in found and "rate" not in details:
            details["rate"] = found["BRIDGE_POLL_RATE"].value
            gathered.variables[name, "rate"] = "BRIDGE_POLL_RATE"
    _choose_default(gathered, found)
    return gathered


def _name_and_detail(variable: str) -> tuple[str, str] | None:
    if variable in OPENAI_DETAILS:
        return _DEFAULT, OPENAI_DETAILS[variable].lower()
    parts = split_provider_variable(variable)
    return None if parts is None else (parts[0].lower(), parts[1].lower())


def _add(gathered: Gathered, name: str, detail: str, variable: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        gathered.problems.append(
            f"{variable} has no usable provider name: a name is 1 to 64 of a-z, 0-9, _ and -, not {quoted(name)}."
        )
        return
    details = gathered.providers.setdefault(name, {})
    other = gathered.variables.setdefault((name, detail), variable)
    if details.setdefault(detail, value).rstrip("/") != value.rstrip("/"):
        gathered.problems.append(f"{other} and {variable} set the same thing to different values: keep one of them.")


def _choose_default(gathered: Gathered, found: Mapping[str, Found]) -> None:
    names = list(gathered.providers)
    given = found.get("BRIDGE_DEFAULT_PROVIDER")
    gathered.default = given.value.strip().lower() if given else names[0] if len(names) == 1 else _DEFAULT
    if gathered.default in names or not names:
        return
    missing = f"and {quoted(given.value)} is not configured" if given else "because none of them is named openai"
    gathered.problems.append(f"BRIDGE_DEFAULT_PROVIDER must name one of {', '.join(sorted(names))}, {missing}.")
