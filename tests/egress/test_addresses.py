"""Which addresses may be dialled."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, IPAddress, IPNetwork

PUBLIC_ONLY = AddressPolicy()
IPV4 = st.ip_addresses(v=4).map(IPv4Address)
ADDRESSES = st.ip_addresses()

REFUSED = {
    "0.0.0.0": "0.0.0.0/32 (unspecified)",
    "0.1.2.3": "0.0.0.0/8 (this network)",
    "10.0.0.1": "10.0.0.0/8 (private)",
    "10.255.255.255": "10.0.0.0/8 (private)",
    "100.64.0.1": "100.64.0.0/10 (shared address space of carriers)",
    "100.100.100.200": "100.64.0.0/10 (shared address space of carriers)",  # Alibaba Cloud's metadata
    "100.127.255.255": "100.64.0.0/10 (shared address space of carriers)",
    "127.0.0.1": "127.0.0.0/8 (loopback)",
    "127.255.255.254": "127.0.0.0/8 (loopback)",
    "168.63.129.16": "168.63.129.16/32 (Azure platform services)",
    "169.254.0.1": "169.254.0.0/16 (link-local)",
    "169.254.169.254": "169.254.169.254/32 (cloud metadata)",
    "172.16.0.1": "172.16.0.0/12 (private)",
    "172.31.255.255": "172.16.0.0/12 (private)",
    "192.0.0.9": "192.0.0.0/24 (IETF protocol assignments)",
    "192.0.0.192": "192.0.0.0/24 (IETF protocol assignments)",  # Oracle Cloud's metadata
    "192.0.2.1": "192.0.2.0/24 (documentation)",
    "192.31.196.1": "192.31.196.0/24 (AS112 sink)",
    "192.52.193.1": "192.52.193.0/24 (multicast tunnelling (AMT))",
    "192.88.99.1": "192.88.99.0/24 (6to4 relays)",
    "192.168.1.1": "192.168.0.0/16 (private)",
    "192.175.48.1": "192.175.48.0/24 (AS112 sink)",
    "198.18.0.1": "198.18.0.0/15 (benchmarking)",
    "198.19.255.255": "198.18.0.0/15 (benchmarking)",
    "198.51.100.7": "198.51.100.0/24 (documentation)",
    "203.0.113.9": "203.0.113.0/24 (documentation)",
    "224.0.0.1": "224.0.0.0/4 (multicast)",
    "239.255.255.250": "224.0.0.0/4 (multicast)",
    "240.0.0.1": "240.0.0.0/4 (reserved)",
    "255.255.255.255": "255.255.255.255/32 (broadcast)",
    "::": "::/128 (unspecified)",
    "::1": "::1/128 (loopback)",
    "::127.0.0.1": "::/96 (IPv4-compatible)",
    "::8.8.8.8": "::/96 (IPv4-compatible)",
    "::ffff:127.0.0.1": "::ffff:0:0/96 (IPv4-mapped)",
    "::ffff:8.8.8.8": "::ffff:0:0/96 (IPv4-mapped)",
    "::ffff:0:7f00:1": "::ffff:0:0:0/96 (IPv4-translated)",
    "64:ff9b::127.0.0.1": "127.0.0.0/8 (loopback)",
    "64:ff9b::10.0.0.1": "10.0.0.0/8 (private)",
    "64:ff9b::169.254.169.254": "169.254.169.254/32 (cloud metadata)",
    "64:ff9b:1::1": "64:ff9b:1::/48 (NAT64 for local use)",
    "64:ff9b:2::1": "outside 2000::/3 (reserved)",
    "100::1": "100::/64 (discard-only)",
    "100:0:0:1::1": "100:0:0:1::/64 (dummy prefix)",
    "200::1": "outside 2000::/3 (reserved)",
    "2001::1": "2001::/32 (Teredo)",
    "2001:0:7f00:1::": "2001::/32 (Teredo)",
    "2001:1::1": "2001::/23 (IETF protocol assignments)",
    "2001:2::1": "2001:2::/48 (benchmarking)",
    "2001:10::1": "2001:10::/28 (ORCHID)",
    "2001:20::1": "2001:20::/28 (ORCHIDv2)",
    "2001:db8::1": "2001:db8::/32 (documentation)",
    "2002:7f00:1::": "2002::/16 (6to4)",
    "2002:808:808::1": "2002::/16 (6to4)",
    "2620:4f:8000::1": "2620:4f:8000::/48 (AS112 sink)",
    "3fff::1": "3fff::/20 (documentation)",
    "4000::1": "outside 2000::/3 (reserved)",
    "5f00::1": "5f00::/16 (segment routing)",
    "fc00::1": "fc00::/7 (unique local)",
    "fd00:ec2::254": "fc00::/7 (unique local)",  # AWS's metadata
    "fe80::1": "fe80::/10 (link-local)",
    "febf::1": "fe80::/10 (link-local)",
    "fec0::1": "fec0::/10 (site-local)",
    "ff02::1": "ff00::/8 (multicast)",
    "ff0e::1": "ff00::/8 (multicast)",
    "2606:4700::5efe:7f00:1": "an ISATAP tunnel",
    "2606:4700::200:5efe:808:808": "an ISATAP tunnel",
    "fe80::5efe:7f00:1": "fe80::/10 (link-local)",
    "2606:4700::1%eth0": "names a zone",
}
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.114.0", "223.255.255.255"),
    *("2000::1", "2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "2a00:1450::1", "3ffe::1"),
    *("2606:4700::5eff:7f00:1", "2606:4700::5efe:0:7f00:1"),
    *("64:ff9b::8.8.8.8", "64:ff9b::101:101"),
]


def networks(*texts: str) -> Sequence[IPNetwork]:
    return [ip_network(text) for text in texts]


@pytest.mark.parametrize(("address", "why"), REFUSED.items())
def test_what_is_not_public_is_refused_by_the_name_of_its_range(address: str, why: str) -> None:
    assert why in (PUBLIC_ONLY.refusal(ip_address(address)) or "fine")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_fine(address: str) -> None:
    assert PUBLIC_ONLY.refusal(ip_address(address)) is None


@pytest.mark.parametrize("address", REFUSED)
def test_the_operators_own_may_be_anywhere(address: str) -> None:
    assert AddressPolicy(anywhere=True).refusal(ip_address(address), plain=True) is None


@given(address=ADDRESSES)
def test_we_are_never_more_generous_than_the_standard_library(address: IPAddress) -> None:
    if PUBLIC_ONLY.refusal(address) is None:
        assert address.is_global
        assert not address.is_multicast


@given(address=IPV4)
def test_nat64_is_judged_by_what_it_embeds(address: IPv4Address) -> None:
    wrapped = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    assert (PUBLIC_ONLY.refusal(wrapped) is None) == (PUBLIC_ONLY.refusal(address) is None)


@pytest.mark.parametrize("prefix", ["::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b:1::"])
@given(address=IPV4)
def test_an_ipv4_address_in_any_other_disguise_is_refused(prefix: str, address: IPv4Address) -> None:
    assert PUBLIC_ONLY.refusal(IPv6Address(int(IPv6Address(prefix)) + int(address))) is not None


@given(address=IPV4)
def test_6to4_is_refused_whatever_it_embeds(address: IPv4Address) -> None:
    assert PUBLIC_ONLY.refusal(IPv6Address((0x2002 << 112) + (int(address) << 80))) is not None


@given(address=ADDRESSES)
def test_an_allowed_network_allows_all_of_it(address: IPAddress) -> None:
    policy = AddressPolicy(networks("0.0.0.0/0", "::/0"))
    assert policy.refusal(address) is None
    assert policy.refusal(address, plain=True) is None


def test_an_allowed_network_allows_nothing_beside_it() -> None:
    policy = AddressPolicy(networks("10.1.0.0/16", "fd00::/64"))
    fine = [policy.refusal(ip_address(text)) is None for text in ("10.1.2.3", "10.2.0.1", "fd00::1", "fd00:1::1")]
    assert fine == [True, False, True, False]


def test_a_mapped_address_counts_as_its_ipv4_address() -> None:
    policy = AddressPolicy(networks("10.0.0.0/8"))
    assert policy.refusal(ip_address("::ffff:10.0.0.1")) is None
    assert policy.refusal(ip_address("::ffff:11.0.0.1")) is not None


def test_nat64_reaches_an_allowed_ipv4_network() -> None:
    assert AddressPolicy(networks("10.0.0.0/8")).refusal(ip_address("64:ff9b::10.0.0.1")) is None


def test_a_zone_is_refused_even_in_an_allowed_network() -> None:
    assert AddressPolicy(networks("fe80::/10")).refusal(ip_address("fe80::1%eth0")) is not None
    assert AddressPolicy(networks("fe80::/10")).refusal(ip_address("fe80::1")) is None


def test_plain_http_goes_only_to_allowed_networks() -> None:
    policy = AddressPolicy(networks("10.0.0.0/8"))
    assert policy.refusal(ip_address("10.0.0.1"), plain=True) is None
    assert policy.refusal(ip_address("8.8.8.8"), plain=True) == "8.8.8.8 is not in an allowed network"
    assert policy.refusal(ip_address("64:ff9b::808:808"), plain=True) is not None


@pytest.mark.parametrize(
    ("policy", "loopback", "beyond"),
    [
        (AddressPolicy(), False, False),
        (AddressPolicy(LOOPBACK_NETWORKS), True, False),
        (AddressPolicy(networks("127.0.0.1/32")), True, False),
        (AddressPolicy(networks("::1/128")), True, False),
        (AddressPolicy(networks("10.0.0.0/8")), False, True),
        (AddressPolicy((*LOOPBACK_NETWORKS, ip_network("10.0.0.0/8"))), True, True),
        (AddressPolicy(networks("0.0.0.0/0")), True, True),
        (AddressPolicy(networks("126.0.0.0/7")), True, True),
        (AddressPolicy(anywhere=True), True, True),
    ],
)
def test_what_a_policy_says_of_this_machine_and_of_more(policy: AddressPolicy, loopback: bool, beyond: bool) -> None:
    assert (policy.loopback, policy.beyond_loopback) == (loopback, beyond)
