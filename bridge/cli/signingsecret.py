"""The secret that signs callbacks to a URL, found with the settings of this machine's server."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.cli.exits import CommandError, ExitCode
from bridge.egress import AddressPolicy, check_url
from bridge.errors import SecretsError
from bridge.secrets import Keys, find_keys, key_file
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A signing secret. ``url`` is in the form that counts; ``origin`` is a sentence that says where it comes from."""

    url: str
    secret: str = field(repr=False)
    origin: str


def find_secret(url: str, settings: Settings) -> FoundSecret:
    """The secret of a callback that has none of its own.

    :raises CommandError: the URL is none, or there is no key yet.
    """
    try:
        # A URL has many spellings; the server derives the secret from the one it dials.
        final = check_url(url, AddressPolicy(anywhere=True))
    except ValueError as error:
        raise CommandError(f"URL: {error}.", ExitCode.USAGE) from error
    if settings.callback_secret is not None:
        secret = settings.callback_secret.get_secret_value()
        return FoundSecret(final, secret, "BRIDGE_CALLBACK_SECRET is the same for every URL.")
    keys = _keys(settings)
    return FoundSecret(final, keys.box.callback_secrets(final)[0], f"Derived from {keys.source} and the URL.")


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
