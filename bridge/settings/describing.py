"""What people may see of the settings, and what they must not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from bridge.settings import urls
from bridge.settings.model import OPENAI_URL, Settings
from bridge.settings.variables import FIELDS, OPENAI_DETAILS, split_provider_variable

_SECRETS = frozenset(
    {
        "OPENAI_API_KEY",
        "OPENAI_WEBHOOK_SECRET",
        "BRIDGE_API_KEYS",
        "BRIDGE_SECRET_KEY",
        "BRIDGE_CALLBACK_SECRET",
        "BRIDGE_SLACK_WEBHOOK_URL",
        "BRIDGE_EMAIL_API_KEY",
    }
)
_SECRET_DETAILS = frozenset({"API_KEY", "HEADERS", "QUERY"})
_URLS = frozenset({"BRIDGE_DATABASE_URL", "BRIDGE_CALLBACK_URL", "BRIDGE_EMAIL_WEBHOOK_URL", "BRIDGE_EGRESS_PROXY"})


class Line(NamedTuple):
    """One variable, its value as people may see it, and where that came from."""

    variable: str
    value: str
    source: str


def describe(settings: Settings) -> list[Line]:
    """Every variable with its value; a secret is only ``set`` or ``not set``, a URL shows no query or password.

    ``source`` is ``default``, ``environment``, ``.env`` or ``file``.
    """
    of_providers = sorted(variable for variable in settings.found if split_provider_variable(variable))
    return [_line(settings, variable) for variable in (*OPENAI_DETAILS, *of_providers, *FIELDS)]


def _line(settings: Settings, variable: str) -> Line:
    given = settings.found.get(variable)
    if given is None:
        return Line(variable, _masked(variable, _default(settings, variable)), "default")
    return Line(variable, _masked(variable, given.value), given.source)


def _masked(variable: str, text: str) -> str:
    parts = split_provider_variable(variable)
    if variable in _SECRETS or (parts is not None and parts[1] in _SECRET_DETAILS):
        return "set" if text else "not set"
    if not text:
        return "not set"
    return urls.shown(text) if variable in _URLS and not text.startswith("sqlite:") else text


def _default(settings: Settings, variable: str) -> str:
    if variable in OPENAI_DETAILS:
        openai = settings.providers.get("openai")
        default = openai is not None and openai.base_url == OPENAI_URL
        return OPENAI_URL if default and variable == "OPENAI_BASE_URL" else ""
    value = getattr(settings, FIELDS[variable])
    if isinstance(value, tuple):
        return ",".join(f"{entry:g}" for entry in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value or "")


# Shorter header and query values are versions and flags rather than secrets.
_SHORTEST_UNNAMED_SECRET = 12


def secret_values(settings: Settings) -> frozenset[str]:
    """Every text in the settings that must not reach a log."""
    return frozenset(_secret_values(settings))


def _secret_values(settings: Settings) -> Iterator[str]:
    yield from (one.key.get_secret_value() for one in settings.api_keys)
    yield from (key.get_secret_value() for key in settings.secret_keys)
    for field in FIELDS.values():
        value = getattr(settings, field)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    for provider in settings.providers.values():
        if provider.api_key is not None:
            yield provider.api_key.get_secret_value()
        unnamed = (*provider.headers.values(), *provider.query.values())
        yield from (value for value in unnamed if len(value) >= _SHORTEST_UNNAMED_SECRET)
    for url in (settings.database_url, settings.egress_proxy):
        password = urlsplit(url or "").password
        if password:
            yield from (password, unquote(password))
