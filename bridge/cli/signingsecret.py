"""The secret that signs callbacks to a URL, found with the settings of this machine's server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bridge.cli.exits import CommandError, ExitCode
from bridge.egress import AddressPolicy, check_url
from bridge.errors import SecretsError
from bridge.secrets import SecretBox, read_key_file
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
    keys, source = _keys(settings)
    return FoundSecret(final, SecretBox(keys).callback_secrets(final)[0], f"Derived from {source} and the URL.")


def _keys(settings: Settings) -> tuple[list[str], str]:
    if settings.secret_keys:
        return [key.get_secret_value() for key in settings.secret_keys], "BRIDGE_SECRET_KEY"
    key_file = _key_file(settings)
    if key_file is None or not key_file.exists():
        raise CommandError(
            f"There is no key yet: {key_file} is made when `video-bridge serve` starts for the first time. Run this in "
            "its folder and with its settings.",
            ExitCode.USAGE,
        )
    try:
        return [read_key_file(key_file)], str(key_file)
    except SecretsError as error:
        raise CommandError(f"{error}.", ExitCode.USAGE) from error


def _key_file(settings: Settings) -> Path | None:
    path = settings.database_file
    path = None if path is None else path.resolve()  # as the server does
    return None if path is None else path.with_name(f"{path.name}.key")
