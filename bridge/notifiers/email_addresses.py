"""E-mail addresses as a mail is sent from and to them: simple, strict, never more than one line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

MAX_ADDRESS = 254
"""Longest address, characters (RFC 5321 section 4.5.3.1.3 less the angle brackets)."""

MAX_NAME = 128
"""Longest name before an address, characters."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"  # RFC 5322 section 3.2.3
_LOCAL = re.compile(rf"(?=.{{1,64}}\Z){_ATOM}+(?:\.{_ATOM}+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
# What a name may consist of without quotes around it: atoms and spaces, and anything that is not ASCII.
_PLAIN_NAME = re.compile(rf"(?:{_ATOM}| |[^\x00-\x7f])*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name that may stand before it."""

    address: str
    name: str | None = None

    def __str__(self) -> str:
        if self.name is None:
            return self.address
        if _PLAIN_NAME.fullmatch(self.name):
            return f"{self.name} <{self.address}>"
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.address}>'


def check_address(text: str) -> str:
    """The address as it is given.

    :raises ValueError: it is none, or of a kind that not every mail service takes.
    """
    local, at, domain = text.partition("@")
    if len(text) > MAX_ADDRESS:
        raise ValueError(f"an e-mail address may have {MAX_ADDRESS} characters, this one has {len(text)}")
    if at and not text.isascii():
        raise ValueError(f"{text!r} is not ASCII; write the domain in its xn-- form")
    if not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise ValueError(f"{text[:80]!r} is not an e-mail address such as someone@example.com")
    return text


def parse_mailbox(text: str) -> Mailbox:
    """Read ``someone@example.com`` or ``Some One <someone@example.com>``.

    :raises ValueError: it is neither.
    """
    if not text.isprintable():
        raise ValueError("an e-mail address is one line of printable characters")
    named = _NAMED.fullmatch(text.strip())
    if named is None:
        return Mailbox(check_address(text.strip()))
    name = _unquoted(named["name"].strip())
    if len(name) > MAX_NAME:
        raise ValueError(f"the name before an e-mail address may have {MAX_NAME} characters, this one has {len(name)}")
    return Mailbox(check_address(named["address"].strip()), name or None)


def _unquoted(name: str) -> str:
    if len(name) >= 2 and name.startswith('"') and name.endswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1]).strip()
    return name


def _each_once(addresses: list[str]) -> list[str]:
    return list(dict.fromkeys(addresses))


Recipients = Annotated[
    list[Annotated[str, AfterValidator(check_address)]], Field(min_length=1, max_length=50), AfterValidator(_each_once)
]
"""Whom a mail goes to. 50 is the least that a known service takes at once."""

Sender = Annotated[str, Field(max_length=512), AfterValidator(lambda text: str(parse_mailbox(text)))]
"""Whom a mail comes from, with or without a name."""
