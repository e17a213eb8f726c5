"""What the environment says about destinations: up to three default ones, and what e-mail may leave to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import SecretStr, ValidationError

from bridge.egress import AddressPolicy, check_url
from bridge.errors import ConfigurationError
from bridge.notifiers.callback import CallbackDestination
from bridge.notifiers.email_webhook import EmailDefaults, environment_destination
from bridge.notifiers.slack import SlackDestination
from bridge.registry.bodies import AnyDestination
from bridge.settings import Settings

_ANYWHERE = AddressPolicy(anywhere=True)


def email_defaults(settings: Settings) -> EmailDefaults:
    """What an e-mail destination may leave to the environment; the URL is in the form it is dialled.

    :raises ConfigurationError: the URL cannot be used.
    """
    defaults = EmailDefaults(
        url=settings.email_webhook_url,
        to=settings.email_to,
        sender=settings.email_from,
        preset=settings.email_preset,
        api_key=_plain(settings.email_api_key),
    )
    try:
        return defaults if defaults.url is None else replace(defaults, url=check_url(defaults.url, _ANYWHERE))
    except ValueError as error:
        raise ConfigurationError(f"BRIDGE_EMAIL_WEBHOOK_URL: {error}.") from error


def default_destinations(settings: Settings) -> Mapping[str, AnyDestination]:
    """The default destinations that the environment describes, by name.

    :raises ConfigurationError: naming the variable of each that cannot be used.
    """
    makers: Mapping[str, tuple[str, Callable[[Settings], AnyDestination | None]]] = {
        "slack": ("BRIDGE_SLACK_WEBHOOK_URL", _slack),
        "callback": ("BRIDGE_CALLBACK_URL", _callback),
        "email": ("BRIDGE_EMAIL_WEBHOOK_URL", lambda given: environment_destination(email_defaults(given))),
    }
    made: dict[str, AnyDestination] = {}
    problems: list[str] = []
    for name, (variable, make) in makers.items():
        try:
            body = make(settings)
        except ConfigurationError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(f"{variable}: {_sentence(error)}.")
        else:
            made |= {} if body is None else {name: body}
    if problems:
        raise ConfigurationError(*problems)
    return made


def destination_problems(settings: Settings) -> tuple[str, ...]:
    """All that is wrong with the default destinations that the environment describes, a sentence each."""
    try:
        default_destinations(settings)
    except ConfigurationError as error:
        return error.problems
    return ()


def _slack(settings: Settings) -> SlackDestination | None:
    url = _plain(settings.slack_webhook_url)
    return None if url is None else SlackDestination(kind="slack", url=check_url(url, _ANYWHERE))


def _callback(settings: Settings) -> CallbackDestination | None:
    url = settings.callback_url
    return None if url is None else CallbackDestination(kind="callback", url=check_url(url, _ANYWHERE))


def _sentence(error: ValueError) -> str:
    """What is wrong, without the value: it may be a secret."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return str(first.get("ctx", {}).get("error", first["msg"]))


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
