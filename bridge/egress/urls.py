"""What a URL must look like before it is stored, and how much of it may be shown.

A URL is refused wherever two parsers could read different hosts out of it: backslashes, credentials, percent-encoded or
full-width hosts, addresses in spellings of old C libraries. The last word has httpx's own parser, because that is the
one that will dial; what is judged, stored and dialled is its output.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import httpx

from bridge.egress.addresses import REMEDY, AddressPolicy, IPAddress

MAX_URL_LENGTH = 2048
"""Longest URL that is stored, characters."""

_REMEDY = "BRIDGE_ALLOWED_NETWORKS"
_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<authority>[^/?]*)[^#]*")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
# What IDNA takes for a dot (RFC 3490, section 3.1).
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_MAX_NAME_LENGTH = 253
# https://url.spec.whatwg.org/#ends-in-a-number-checker: such a host is an IPv4 address in some spelling.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that the hosts file of common systems gives to loopback (RFC 6761, the defaults of Debian and of Fedora).
_LOCAL_NAMES = frozenset(
    {"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "localhost4", "localhost6"}
    | {"localhost4.localdomain4", "localhost6.localdomain6"}
)


def check_url(url: str, policy: AddressPolicy) -> str:
    """Judge a URL somebody wants requests sent to; the form of it to store and dial.

    Names are not resolved here: what they stand for is checked whenever they are dialled. Only ``localhost`` is known
    to mean loopback.

    :raises ValueError: when it cannot be used, with a message for whoever registers it.
    """
    final = _parse(url, plain=policy.anywhere or bool(policy.allowed))
    host = final.raw_host.decode("ascii")
    address = _check_host(host)
    if address is not None:
        refusal = policy.refusal(address)
        if refusal is not None:
            raise ValueError(f"not a public address: {refusal}; {REMEDY}")
    elif _is_local(host) and not policy.loopback:
        raise ValueError(f"{host} is this machine; {REMEDY}")
    if final.scheme == "http":
        _check_plain(host, address, policy)
    return str(final)


def shown_url(url: str) -> str:
    """Scheme, host, port and path of a URL: what may be shown to anyone. Never a query, credentials or a fragment."""
    parsed = _lenient(url)
    if parsed is None:
        return "(unreadable URL)"
    return str(parsed.copy_with(username=None, password=None, query=None, fragment=None))


def http_host(url: str) -> str:
    """Host and port as the ``Host`` header names them (no default port); empty when the URL is unreadable."""
    parsed = _lenient(url)
    return "" if parsed is None else parsed.netloc.decode("ascii")


def literal_address(host: str) -> IPAddress | None:
    """The address a URL's host spells in the ordinary way, or None when it is a name."""
    try:
        return IPv6Address(host) if ":" in host else IPv4Address(host)
    except AddressValueError:
        return None


def _lenient(url: str) -> httpx.URL | None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return parsed if parsed.scheme and parsed.host else None


def _parse(url: str, *, plain: bool) -> httpx.URL:
    """The URL as httpx reads it, once nothing in it is open to another reading.

    :param plain: whether there is a place that may be reached without TLS, so that a URL without a scheme is told so.
    """
    _check_text(url)
    _check_shape(url, plain)
    try:
        # Twice, so that what is judged is what reading the stored text will give.
        final = httpx.URL(str(httpx.URL(url)))
    except httpx.InvalidURL as error:
        raise ValueError(_odd_host(str(error))) from error
    if len(str(final)) > MAX_URL_LENGTH:
        raise ValueError(f"a URL may have {MAX_URL_LENGTH} characters, this one is longer once it is percent-encoded")
    if final.port is not None and not 1 <= final.port <= 65535:
        raise ValueError("the port must be between 1 and 65535")
    return final


def _check_text(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"a URL may have {MAX_URL_LENGTH} characters, this one has {len(url)}")
    # Categories C (control, format, surrogate, unassigned) and Z (every kind of space).
    if any(unicodedata.category(character)[0] in "CZ" for character in url):
        raise ValueError("a URL holds no spaces, control or invisible characters")
    if "\\" in url:
        raise ValueError("a URL holds no backslash")
    if "#" in url:
        raise ValueError("a fragment (#…) is never sent; leave it out")


def _check_shape(url: str, plain: bool) -> None:
    shape = _SHAPE.fullmatch(url)
    if shape is None or not url.lower().startswith(("http://", "https://")):
        also = ", or within allowed networks with http://" if plain else ""
        raise ValueError(f"a URL starts with https://{also}")
    authority = shape["authority"]
    if not authority:  # of `https:////host` some make a path, some a host
        raise ValueError("the URL names no host")
    if "@" in authority:
        raise ValueError("a URL with a user name or password is not taken; use a secret or a header instead")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError(_odd_host(f"cannot read {authority!r}"))
    if len(parts["port"] or "") > 5:
        raise ValueError("the port must be between 1 and 65535")
    # An address in digits of another script; IDNA would make a name of it.
    last = _DOTS.split(parts["host"])[-1]
    if not last.isascii() and last.isdigit():
        raise ValueError(_odd_host(f"{parts['host']!r} is no address in its usual form"))


def _check_host(host: str) -> IPAddress | None:
    """The host's address if it is one, None for a sound name.

    :raises ValueError: for anything else, and for addresses in unusual spellings.
    """
    if not host:
        raise ValueError("the URL names no host")
    address = literal_address(host)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError(_odd_host("an address with a zone is of use on one machine only"))
    if address is not None:
        return address
    if not _NAME.fullmatch(host) or len(host) > _MAX_NAME_LENGTH:
        raise ValueError(_odd_host(f"{host!r} is no host name"))
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise ValueError(_odd_host(f"{host!r} is no address in its usual form"))
    return None


def _odd_host(problem: str) -> str:
    return f"{problem}; write a host name or a plain address, one that is not public must be in {_REMEDY}"


def _check_plain(host: str, address: IPAddress | None, policy: AddressPolicy) -> None:
    if address is not None:
        fine = policy.refusal(address, plain=True) is None
    else:
        fine = policy.beyond_loopback or (_is_local(host) and policy.loopback)
    if not fine:
        raise ValueError(f"plain http goes only to networks in {_REMEDY}; use https")


def _is_local(host: str) -> bool:
    return host in _LOCAL_NAMES or host.endswith(".localhost")
