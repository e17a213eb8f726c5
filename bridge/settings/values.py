"""How the text of a variable becomes a value.

Each function raises ``ValueError`` with the second half of a sentence whose first word is the variable's name. What
may hold a secret is never quoted in it.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Choice = TypeVar("Choice", bound=str)

_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_KEY = re.compile(r"[A-Za-z0-9_-]{16,}")
_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_ADDRESS = r"[^\s@<>,;\"]+@[^\s@<>,;\"]+"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that clients of the API may use; ``name`` is what watches show as ``created_by``."""

    name: str | None
    key: SecretStr
    read_only: bool = False


def quoted(text: str) -> str:
    """``text`` as an error message may show it: in quotes and not endless."""
    return repr(text if len(text) <= 60 else text[:59] + "…")


def entries(text: str) -> list[str]:
    """The parts of a comma-separated list."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise ValueError("has an empty entry: write the entries with one comma between them")
    return parts


def number(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    """Read a number from ``low`` (left out itself if ``above``) to ``high``, written with digits and a point."""
    limits = f"above {low:g} and at most {high:.12g}" if above else f"from {low:g} to {high:.12g}"

    def parse(text: str) -> float:
        value = float(text) if _NUMBER.fullmatch(text.strip()) else -1.0
        if not low <= value <= high or (above and value == low):
            raise ValueError(f"must be a number {limits}, not {quoted(text)}")
        return value

    return parse


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Read a number without a fraction from ``low`` to ``high``."""

    def parse(text: str) -> int:
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 12 and low <= int(digits) <= high):
            raise ValueError(f"must be a whole number from {low} to {high}, not {quoted(text)}")
        return int(digits)

    return parse


def port(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    if "://" in text:
        raise ValueError(
            f"must be a port number, not {quoted(text)}: Kubernetes sets this variable itself for a service named "
            "`bridge`; give the service another name, for example `video-bridge`, or set enableServiceLinks to false"
        )
    return whole_number(0, 65535)(text)


def one_of(*choices: Choice) -> Callable[[str], Choice]:
    """Read one of a few words, whatever their case."""

    def parse(text: str) -> Choice:
        word = text.strip().lower()
        for choice in choices:
            if word == choice:
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}, not {quoted(text)}")

    return parse


def host(text: str) -> str:
    """An address or host name to listen on; brackets around an IPv6 address are dropped."""
    name = text.strip().removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not _HOST.fullmatch(name):
            raise ValueError(f"must be an IP address or a host name, not {quoted(text)}") from None
    return name


def is_loopback(name: str) -> bool:
    """Whether a server listening on ``name`` is reached from this machine alone."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def api_keys(text: str) -> tuple[ApiKey, ...]:
    """A comma-separated list of ``[name:]key[:read]``."""
    keys = tuple(_api_key(entry, position) for position, entry in enumerate(entries(text), start=1))
    if len({one.key.get_secret_value() for one in keys}) < len(keys):
        raise ValueError("has the same key twice: give each client a key of its own")
    return keys


def _api_key(entry: str, position: int) -> ApiKey:
    *name, key = entry.removesuffix(":read").split(":")
    if len(name) > 1 or not _KEY.fullmatch(key):
        raise ValueError(
            f"must be a comma-separated list of [name:]key[:read] where a key has at least 16 of the characters "
            f"A-Z, a-z, 0-9, _ and -; entry {position} is not like that"
        )
    if name and not _KEY_NAME.fullmatch(name[0]):
        raise ValueError(f"has a name in entry {position} that is not 1 to 64 of letters, digits, _ . @ and -")
    return ApiKey(name[0] if name else None, SecretStr(key), entry.endswith(":read"))


def secret_keys(text: str) -> tuple[SecretStr, ...]:
    """A comma-separated list of encryption keys."""
    keys = entries(text)
    for position, key in enumerate(keys, start=1):
        if len(key) < 32:
            raise ValueError(
                f"must have keys of at least 32 characters, and entry {position} is shorter: "
                "`openssl rand -base64 32` makes a good one"
            )
    return tuple(SecretStr(key) for key in keys)


def database_url(text: str) -> str:
    """The address of the database: a SQLite file or a PostgreSQL server."""
    scheme, _, rest = text.partition("://")
    if scheme in ("postgresql", "postgres") and rest and _has_valid_port(text):
        return text
    if scheme != "sqlite" or not rest.startswith("/"):
        raise ValueError("must be sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST/NAME")
    file = rest.removeprefix("/")
    if not file or file.startswith((":memory:", "file:")):
        raise ValueError("must name a file, as in sqlite:///bridge.db: a database in memory forgets every watch")
    if "?" in file or file.endswith("/"):
        raise ValueError("must end with the name of a file, without parameters, as in sqlite:///bridge.db")
    return text


def _has_valid_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def signing_secret(text: str) -> SecretStr:
    """A Standard Webhooks secret: ``whsec_`` and base64 of 24 to 64 bytes."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError(
            "must be `whsec_` and the base64 form of 24 to 64 bytes: "
            "`echo whsec_$(openssl rand -base64 32)` makes a good one"
        )
    return SecretStr(text)


def switch(text: str) -> bool:
    """``true`` or ``false``."""
    words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "on": True, "off": False}
    if text.strip().lower() not in words:
        raise ValueError("must be true or false")
    return words[text.strip().lower()]


def provider_webhook_secret(text: str) -> SecretStr:
    """The secret a provider signs its own webhooks with: ``whsec_`` and base64, or any other text as it is."""
    if text.startswith("whsec_"):
        try:
            base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("starts with `whsec_` but does not go on in base64: copy it once more") from None
    return SecretStr(text)


def header_secret(text: str) -> SecretStr:
    """A key that is sent in a header."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be printable ASCII characters without spaces, because it is sent in a header")
    return SecretStr(text)


def networks(text: str) -> tuple[Network, ...]:
    """A comma-separated list of networks in CIDR form; a single address is a network of one."""
    return tuple(_network(entry) for entry in entries(text))


def _network(entry: str) -> Network:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"must be networks such as 10.0.0.0/8 or fd00::/8, and {quoted(entry)} is not one") from None
    if network.network_address != ipaddress.ip_interface(entry).ip:
        raise ValueError(f"has {quoted(entry)}, an address inside a network: write {network}")
    return network


def retries(text: str) -> tuple[float, ...]:
    """A comma-separated list of delays, seconds; empty for no further attempts."""
    if not text.strip():
        return ()
    delays = tuple(number(0, 2_592_000)(entry) for entry in entries(text))
    if len(delays) > 50:
        raise ValueError(f"must have at most 50 delays, not {len(delays)}")
    return delays


def email_addresses(text: str) -> tuple[str, ...]:
    """A comma-separated list of plain e-mail addresses."""
    addresses = tuple(entries(text))
    for address in addresses:
        if not address.isprintable() or not re.fullmatch(_ADDRESS, address):
            raise ValueError(f"must be e-mail addresses with commas between them, and {quoted(address)} is not one")
    return addresses


def email_sender(text: str) -> str:
    """One e-mail address, with or without a name before it."""
    if not text.isprintable() or not re.fullmatch(rf"{_ADDRESS}|[^<>]*<{_ADDRESS}>", text.strip()):
        raise ValueError(f"must be one e-mail address, or `Name <address>`, not {quoted(text)}")
    return text.strip()
