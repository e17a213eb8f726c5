"""The secret that signs callbacks to a URL, found with the settings and the database of this machine's server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.cli.exits import CommandError, ExitCode
from bridge.egress import AddressPolicy, check_url
from bridge.errors import ConfigurationError, SecretsError
from bridge.loading import load
from bridge.secrets import Keys, SecretBox, find_keys, key_file
from bridge.settings import Settings

_NAME_OR_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A signing secret.

    :param url: in the form that counts.
    :param origin: a sentence that says where it comes from.
    :param caution: sentences about callbacks to this URL that are signed with another one, or may be.
    """

    url: str
    secret: str = field(repr=False)
    origin: str
    caution: tuple[str, ...] = ()


def find_secret(given: str, settings: Settings) -> FoundSecret:
    """The secret of a callback that has none of its own.

    :param given: its URL, or the name or the id of one that is stored.
    :raises CommandError: it is none of these, it has a secret of its own, or there is no key yet.
    """
    if _NAME_OR_ID.fullmatch(given):
        return _of_url(_url_of(given, settings), settings)
    try:
        # A URL has many spellings; the server derives the secret from the one it dials.
        url = check_url(given, AddressPolicy(anywhere=True))
    except ValueError as error:
        raise CommandError(f"URL: {error}.", ExitCode.USAGE) from error
    found = _of_url(url, settings)
    return FoundSecret(found.url, found.secret, found.origin, tuple(_cautions(url, settings)))


def _of_url(url: str, settings: Settings) -> FoundSecret:
    if settings.callback_secret is not None:
        secret = settings.callback_secret.get_secret_value()
        return FoundSecret(url, secret, "BRIDGE_CALLBACK_SECRET is the same for every URL.")
    keys = _keys(settings)
    return FoundSecret(url, keys.box.callback_secrets(url)[0], f"Derived from {keys.source} and the URL.")


def _url_of(name: str, settings: Settings) -> str:
    """Where the callback of this name or id sends to, as long as it has no secret of its own."""
    _keys(settings)
    try:
        held = _held(name, settings)
    except (ConfigurationError, SecretsError) as error:
        raise CommandError(f"{name} cannot be looked up: {error}", ExitCode.USAGE) from error
    if not held:
        raise CommandError(
            f"The database of these settings holds no callback {name!r}. Give the URL of a callback, or the name or id "
            "of one that `video-bridge destinations list` shows."
        )
    (own,) = held.values()
    if own.get("secret"):
        raise CommandError(_has_its_own([name]))
    return str(own["url"])


def _cautions(url: str, settings: Settings) -> list[str]:
    try:
        held = _held(load("bridge.registry.destinations:target_of")("callback", url), settings)
    except (ConfigurationError, SecretsError) as error:
        return [f"Whether a destination with this URL has a secret of its own could not be looked up: {error}"]
    own = [name for name, each in held.items() if each.get("secret")]
    return [_has_its_own(own)] if own else []


def _has_its_own(names: Sequence[str]) -> str:
    who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return (
        f"What goes to {who} is signed with a secret of its own, given for it or made by a rotation, which is not "
        f"shown again. `video-bridge destinations rotate {names[0]}` makes a new one."
    )


def _held(word: str, settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """The settings of stored callbacks of a target, a name or an id, by name or else by id.

    :raises ConfigurationError: the database cannot be read; :raises SecretsError: not with these keys.
    """
    keys = find_keys(settings)
    if keys is None:
        return {}
    unseal = load("bridge.registry.destinations:unseal")
    box: SecretBox = keys.box
    callbacks = load("bridge.store:read_callbacks")(settings.database_url, word)
    return {each.name or each.id: unseal(box, each.id, each.sealed) for each in callbacks}


def _keys(settings: Settings) -> Keys:
    try:
        keys = find_keys(settings)
    except SecretsError as error:
        raise CommandError(f"{error}.", ExitCode.USAGE) from error
    if keys is None:
        raise CommandError(
            f"There is no key yet: {key_file(settings)} is made when `video-bridge serve` starts for the first time. "
            "Run this in its folder and with its settings.",
            ExitCode.USAGE,
        )
    return keys
