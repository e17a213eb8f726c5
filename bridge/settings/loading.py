"""Read the settings, or say everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.errors import ConfigurationError
from bridge.settings.gathering import Gathered, gather_providers
from bridge.settings.model import DEFAULT_POLL_INTERVALS, OPENAI_URL, ProviderSettings, Settings
from bridge.settings.sources import Found, read_variables
from bridge.settings.variables import FIELDS, variable_of

Further = Callable[[Settings], Iterable[str]]
"""What else is wrong with settings: one sentence for each problem."""

_DESTINATIONS = ("slack_webhook_url", "callback_url")
_EMAIL = ("email_webhook_url", "email_to", "email_from", "email_preset", "email_api_key")


def load_settings(
    environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env"), *, further: Further = lambda _: ()
) -> Settings:
    """The settings of this process.

    :param environ: the environment, the process's own when left out.
    :param dotenv: a file of further variables that the environment overrides; it need not exist.
    :param further: asked about the default destinations when something is wrong with the rest, so that all is told at
        once.
    :raises ConfigurationError: with one sentence for each problem, naming the variable and the fix.
    """
    reading = read_variables(os.environ if environ is None else environ, dotenv)
    # A variable whose value cannot be had is set all the same; only that one fact is reported about it.
    found = {**reading.found, **dict.fromkeys(reading.broken, Found("", "file"))}
    gathered = gather_providers(found)
    values = _values(found, gathered)
    settings, invalid, sentences = _validate(values, gathered)
    later = [problem for problem in (*gathered.problems, *sentences) if problem.split(" ")[0] not in reading.broken]
    problems = dict.fromkeys((*reading.problems, *later))
    if settings is None or problems:
        broken = {FIELDS[name] for name in reading.broken if name in FIELDS}
        raise ConfigurationError(*problems, *further(_destinations_alone(values, invalid | broken)))
    return settings.model_copy(update={"warnings": (*reading.warnings, *_warnings(settings))})


def _values(found: Mapping[str, Found], gathered: Gathered) -> dict[str, Any]:
    values: dict[str, Any] = {field: found[variable].value for variable, field in FIELDS.items() if variable in found}
    _let_default_bound_yield(values)
    return values | {"providers": gathered.providers, "default_provider": gathered.default, "found": found}


def _validate(values: Mapping[str, Any], gathered: Gathered) -> tuple[Settings | None, set[str], list[str]]:
    """The settings, or None with the fields that are invalid and a sentence for each problem."""
    try:
        return Settings(**values), set(), []
    except ValidationError as error:
        # Not kept as a cause: it holds every value that was given, secrets too.
        invalid = {str(one["loc"][0]) for one in error.errors(include_url=False, include_input=False)}
        return None, invalid, list(_sentences(error, gathered))


def _destinations_alone(values: Mapping[str, Any], invalid: Collection[str]) -> Settings:
    """Settings with nothing but the default destinations, those left out that have an invalid field."""
    good = [field for field in _DESTINATIONS if field not in invalid]
    good += _EMAIL if not {*_EMAIL} & {*invalid} else ()
    return Settings(
        providers={"openai": ProviderSettings(name="openai", base_url=OPENAI_URL)},
        default_provider="openai",
        **{field: values[field] for field in good if field in values},
    )


def _let_default_bound_yield(values: dict[str, Any]) -> None:
    """Where only one bound of the poll interval was set, the other's default gives way to it."""
    shortest, longest = values.get("poll_min_interval"), values.get("poll_max_interval")
    with suppress(ValueError):  # what cannot be read is reported by the model
        if shortest is None and longest is not None and 0 < float(longest) < DEFAULT_POLL_INTERVALS[0]:
            values["poll_min_interval"] = longest
        elif longest is None and shortest is not None and float(shortest) > DEFAULT_POLL_INTERVALS[1]:
            values["poll_max_interval"] = shortest


def _sentences(error: ValidationError, gathered: Gathered) -> Iterator[str]:
    for one in error.errors(include_url=False, include_input=False):
        field, *rest = map(str, one["loc"])
        variable = gathered.variable_of(*rest[:2]) if field == "providers" else variable_of(field)
        if one["type"] == "missing":
            yield f"{variable} is missing: every provider needs its base URL, for example https://example.com/v1."
        else:
            yield f"{variable} {one['ctx']['error']}."


def _warnings(settings: Settings) -> Iterator[str]:
    if any(provider.base_url == OPENAI_URL for provider in settings.providers.values()):
        yield (
            f"OpenAI announced the end of the Videos API at {OPENAI_URL} for 2026-09-24: "
            "set OPENAI_BASE_URL to a server that goes on speaking it."
        )
    if settings.email_webhook_url is None and (settings.email_to or settings.email_from or settings.email_api_key):
        yield "BRIDGE_EMAIL_WEBHOOK_URL is not set, so the other BRIDGE_EMAIL_ variables have no effect."
    if not settings.delivery_retries:
        yield "BRIDGE_DELIVERY_RETRIES is empty, so every delivery has a single attempt."
