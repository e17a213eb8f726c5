"""The keys that open what a database holds: found, made once, and tried before anything depends on them."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import ConfigurationError, SecretsError
from bridge.secrets import Keys, SecretBox, create_key_file, find_keys, key_file, keys_of_file
from bridge.settings import Settings
from bridge.store import Held, Transaction, read_held, sealed
from bridge.store.standing import PEPPER


def open_keys(settings: Settings) -> Keys:
    """The keys from the environment, else from the key file; a database that exists never gets a new one.

    :raises ConfigurationError: there are none that can be used.
    """
    try:
        keys = find_keys(settings)
    except SecretsError as error:
        raise _unusable(error) from error
    if keys is not None:
        return keys
    path = key_file(settings)
    assert path is not None  # noqa: S101 - the settings want BRIDGE_SECRET_KEY with a server
    if read_held(settings.database_url).facts:
        raise ConfigurationError(_missing(path))
    return _made(path)


def key_problems(settings: Settings) -> list[str]:
    """What keeps the keys at hand from opening what the database holds, one sentence each. Changes nothing. Blocks."""
    held = read_held(settings.database_url)
    try:
        keys = find_keys(settings)
    except SecretsError as error:
        return list(_unusable(error).problems)
    if keys is None:
        path = key_file(settings)
        return [_missing(path)] if held.facts and path is not None else []
    try:
        _try(keys.box, held)
    except SecretsError as error:
        return list(unfit(error).problems)
    return []


async def require_keys(tx: Transaction, box: SecretBox) -> None:
    """Make sure that nothing waits for a key that is not here: it would be found out when it should be sent.

    :raises SecretsError: something does.
    """
    _require(await sealed.number_beyond(tx, box.key_ids))


def unfit(error: SecretsError) -> ConfigurationError:
    """The error of keys that do not open the database."""
    return ConfigurationError(f"BRIDGE_SECRET_KEY: the key does not fit the database: {error}.")


def _try(box: SecretBox, held: Held) -> None:
    if PEPPER in held.facts:
        box.decrypt(held.facts[PEPPER], f"settings.{PEPPER}")
    _require(sum(number for key_id, number in held.destinations.items() if key_id not in box.key_ids))


def _require(missing: int) -> None:
    if missing:
        raise SecretsError(
            f"another one encrypted {missing} of its destinations. Put that key behind the new one, and run "
            "`video-bridge secrets rotate` before you leave it out"
        )


def _made(path: Path) -> Keys:
    try:
        create_key_file(path)
        return keys_of_file(path)
    except SecretsError as error:
        raise _unusable(error) from error
    except OSError as error:
        raise ConfigurationError(f"BRIDGE_DATABASE_URL: cannot write {path}: {error.strerror}.") from error


def _missing(path: Path) -> str:
    return (
        f"BRIDGE_SECRET_KEY: {path.with_suffix('')} was encrypted with a key that is not here. Bring back {path}, or "
        "set BRIDGE_SECRET_KEY to the key it held."
    )


def _unusable(error: SecretsError) -> ConfigurationError:
    return ConfigurationError(f"BRIDGE_SECRET_KEY: {error}.")
