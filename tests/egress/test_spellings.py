"""Whatever way an address can be written: what a C library would make of it is not reached by another name."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.egress import AddressPolicy, check_url

PUBLIC_ONLY = AddressPolicy()
NEVER = ["0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "224.0.0.1"]
RADIXES: tuple[Callable[[int], str], ...] = ("{:d}".format, "0{:o}".format, "0x{:x}".format, "0X{:X}".format)
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
DOTS = st.sampled_from([".", "\u3002", "\uff0e", "\uff61"])

public = st.ip_addresses(v=4).map(IPv4Address).filter(lambda address: PUBLIC_ONLY.refusal(address) is None)
not_public = st.sampled_from(NEVER).map(IPv4Address) | st.ip_addresses(v=4).map(IPv4Address).filter(
    lambda address: PUBLIC_ONLY.refusal(address) is not None
)


@st.composite
def spelled(draw: st.DrawFn, addresses: st.SearchStrategy[IPv4Address]) -> tuple[IPv4Address, str]:
    """An address, and one of the ways in which ``inet_aton`` takes it: 1 to 4 parts, each in any radix."""
    address = draw(addresses)
    count = draw(st.integers(1, 4))
    octets = list(address.packed)
    values = [*octets[: count - 1], int.from_bytes(bytes(octets[count - 1 :]))]
    parts = []
    for value in values:
        text = draw(st.sampled_from(RADIXES))(value)
        zeros = "0" * draw(st.integers(0, 3))
        prefix = text[:2] if text[:2] in ("0x", "0X") else "0" if text.startswith("0") else ""
        parts.append(prefix + zeros + text[len(prefix) :] if prefix else text)
    return address, ".".join(parts)


def refused(host: str) -> bool:
    with pytest.raises(ValueError, match="BRIDGE_ALLOWED_NETWORKS"):
        check_url(f"https://{host}/hook", PUBLIC_ONLY)
    return True


@given(spelling=spelled(not_public))
def test_no_spelling_of_an_address_that_is_not_public_is_taken(spelling: tuple[IPv4Address, str]) -> None:
    address, host = spelling
    assert socket.inet_aton(host) == address.packed
    assert refused(host)
    assert refused(f"{host}.")
    assert refused(f"{host}:8443")


@given(spelling=spelled(not_public), dot=DOTS)
def test_nor_in_the_digits_and_dots_of_other_scripts(spelling: tuple[IPv4Address, str], dot: str) -> None:
    _, host = spelling
    assert refused(host.translate(FULL_WIDTH))
    assert refused(host.replace(".", dot))
    assert refused("".join(f"%{ord(character):02x}" for character in host))


@given(spelling=spelled(public))
def test_a_public_address_is_taken_in_its_one_usual_form_and_in_no_other(spelling: tuple[IPv4Address, str]) -> None:
    address, host = spelling
    assert check_url(f"https://{address}/hook", PUBLIC_ONLY) == f"https://{address}/hook"
    assume(host != str(address))
    assert refused(host)


@given(address=not_public)
def test_nor_inside_an_ipv6_address_in_any_form(address: IPv4Address) -> None:
    number = int(address)
    inside = [
        *(f"{prefix}{form}" for prefix in ("::ffff:", "::", "64:ff9b::", "::ffff:0:") for form in _halves(address)),
        str(IPv6Address((0x2002 << 112) + (number << 80) + 1)),
        str(IPv6Address((0x2001_0000 << 96) + (number << 64))),
        str(IPv6Address((0x2001_0000 << 96) + (number ^ 0xFFFF_FFFF))),
        *(str(IPv6Address((0x2606_4700 << 96) + (tunnel << 32) + number)) for tunnel in (0x5EFE, 0x0200_5EFE)),
    ]
    assert all(refused(f"[{form}]") for each in inside for form in (each, each.upper()))


@given(address=st.ip_addresses(v=6, network="2600::/12").map(IPv6Address))
def test_a_public_ipv6_address_is_taken_in_short_and_in_full(address: IPv6Address) -> None:
    assume(PUBLIC_ONLY.refusal(address) is None)
    for form in (str(address), address.exploded, str(address).upper()):
        assert check_url(f"https://[{form}]/", PUBLIC_ONLY).startswith("https://[")


def _halves(address: IPv4Address) -> tuple[str, str]:
    high, low = divmod(int(address), 0x1_0000)
    return str(address), f"{high:x}:{low:x}"
