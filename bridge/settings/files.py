"""Files and folders that variables name, opened once while the settings are read, so that a typo shows then."""

from __future__ import annotations

import os
import ssl
from pathlib import Path


def ca_file(text: str) -> Path:
    """A file of certificates to trust, PEM."""
    path = _readable(text)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (ssl.SSLError, ValueError):
        raise ValueError(f"must name a file of PEM certificates, and {str(path)!r} holds none") from None
    return path


def client_cert(text: str) -> Path:
    """A file that holds a certificate and its key without a passphrase, PEM."""
    path = _readable(text)
    try:
        # Without a password of our own OpenSSL would ask for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError):
        raise ValueError(
            f"must name a PEM file with a certificate and its key without a passphrase, and {str(path)!r} is not one"
        ) from None
    return path


def directory(text: str) -> Path:
    """A folder that exists."""
    path = Path(text)
    if not path.is_dir():
        raise ValueError(f"must name an existing folder, and {text!r} is none")
    return path


def archive(text: str) -> Path:
    """A folder that files can be kept in; one that is not there yet is made when the server starts."""
    path = Path(text)
    if path.exists() and not (path.is_dir() and os.access(path, os.W_OK | os.X_OK)):
        raise ValueError(f"must name a folder that can be written, and {text!r} cannot")
    return path


def _readable(text: str) -> Path:
    path = Path(text)
    try:
        with path.open("rb"):
            return path
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ValueError(f"must name a file that can be read, and {text!r} cannot: {why}") from None
