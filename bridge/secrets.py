"""Secrets at rest: authenticated encryption with a key id in front, and the key file of a SQLite installation."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge import signing
from bridge.errors import MissingKeyError, SecretsError
from bridge.settings import Settings

_NONCE_BYTES = 12
_VARIABLE = "BRIDGE_SECRET_KEY"


def _derive(key: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"video-bridge at rest v1").derive(key.encode())


class SecretBox:
    """Encrypts with the first key and decrypts with any of them (AES-256-GCM, RFC 5116).

    :param keys: at least one string of 32 characters or more, newest first.
    :param source: where they come from, for messages.
    """

    def __init__(self, keys: Sequence[str], source: str = _VARIABLE) -> None:
        self._masters = tuple(keys)
        self._source = source
        derived = [_derive(key) for key in keys]
        self._ciphers = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in derived}
        self.key_id = next(iter(self._ciphers))
        self._derived = lru_cache(maxsize=1024)(self._derive_callback_secrets)

    def encrypt(self, plain: bytes, context: str) -> bytes:
        """``<key id>:<nonce><ciphertext>``. The context (which row it belongs to) is authenticated with it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self.key_id.encode() + b":" + nonce + self._ciphers[self.key_id].encrypt(nonce, plain, context.encode())

    def decrypt(self, sealed: bytes, context: str) -> bytes:
        """The inverse of :meth:`encrypt`.

        :raises MissingKeyError: it was encrypted with none of the keys;
        :raises SecretsError: the value was changed or moved to another row.
        """
        key_id, _, rest = sealed.partition(b":")
        cipher = self._ciphers.get(key_id.decode("ascii", "replace"))
        if cipher is None:
            raise MissingKeyError(f"a stored secret was encrypted with a key that {self._source} does not hold")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too little is left of it for a nonce
            raise SecretsError(f"the stored secret of {context} does not decrypt: wrong key or damaged data") from error

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all keys at hand."""
        return frozenset(self._ciphers)

    def reseal(self, sealed: bytes, context: str) -> bytes:
        """The same secret, encrypted with the first key.

        :raises SecretsError: none of the keys fits, or the value was changed or moved to another row.
        """
        return self.encrypt(self.decrypt(sealed, context), context)

    def callback_secrets(self, url: str) -> list[str]:
        """The signing secrets of a callback that has none of its own, newest key first.

        One URL always has one secret; while ``BRIDGE_SECRET_KEY`` holds an old key beside the new one both sign.
        """
        return list(self._derived(url))

    def _derive_callback_secrets(self, url: str) -> Sequence[str]:
        return tuple(signing.derive_secret(master, url) for master in self._masters)

    def keys_for(self, purpose: str) -> list[bytes]:
        """Keys of 32 bytes for something else than encryption, one per key of ours, the newest first."""
        info = f"video-bridge {purpose} v1".encode()
        return [
            HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(master.encode())
            for master in self._masters
        ]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an installation, newest first, and where they come from, in words."""

    values: tuple[str, ...] = field(repr=False)
    source: str

    @property
    def box(self) -> SecretBox:
        """What encrypts and decrypts with them."""
        return SecretBox(self.values, self.source)


def find_keys(settings: Settings) -> Keys | None:
    """The keys of ``BRIDGE_SECRET_KEY``, else of the key file; None when neither is there (yet).

    :raises SecretsError: the key file holds none.
    """
    if settings.secret_keys:
        return Keys(tuple(key.get_secret_value() for key in settings.secret_keys), _VARIABLE)
    path = key_file(settings)
    return None if path is None or not path.exists() else keys_of_file(path)


def keys_of_file(path: Path) -> Keys:
    """The key of a key file.

    :raises SecretsError: it holds none.
    """
    return Keys((read_key_file(path),), f"the key file {path}")


def key_file(settings: Settings) -> Path | None:
    """Where the key of a SQLite installation is kept, beside the file however that is spelled; None on a server."""
    path = settings.database_file
    path = None if path is None else path.resolve()
    return None if path is None else path.with_name(f"{path.name}.key")


def create_key_file(path: Path) -> str:
    """Make the key file (mode 0600) unless another process was first; the key either way.

    It is written aside and linked into place, so that nobody ever reads half a key.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
    return read_key_file(path)


def read_key_file(path: Path) -> str:
    """The key in a key file.

    :raises SecretsError: it cannot be read, or what it holds is too short to be a key.
    """
    try:
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsError(f"the key file {path} cannot be read: {error}") from error
    if len(key) < 32:
        raise SecretsError(f"the key file {path} does not hold a key of at least 32 characters")
    return key
