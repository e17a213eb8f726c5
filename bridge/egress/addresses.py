"""Which addresses may be dialled.

``ipaddress.is_global`` is not enough: in Python 3.11 it says yes to multicast, to 6to4 and NAT64 forms of loopback and
to several ranges registered since. So the registries stand here as data:

- https://www.iana.org/assignments/iana-ipv4-special-registry
- https://www.iana.org/assignments/iana-ipv6-special-registry
- https://www.iana.org/assignments/ipv6-address-space (only 2000::/3 is global unicast)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

REMEDY = "BRIDGE_ALLOWED_NETWORKS can allow it"
"""What the operator can do about a refused address, the end of a sentence that names it."""

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

# The first match names the range, so a part stands before its whole. Blocks inside 192.0.0.0/24 and 2001::/23 that IANA
# marks as globally reachable are anycast services of the network itself, never a web server: the whole is refused.
_REFUSED = tuple(
    (ip_network(network), name)
    for network, name in (
        ("0.0.0.0/32", "unspecified"),
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared address space of carriers"),
        ("127.0.0.0/8", "loopback"),
        # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        ("168.63.129.16/32", "Azure platform services"),
        ("169.254.169.254/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112 sink"),
        ("192.52.193.0/24", "multicast tunnelling (AMT)"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112 sink"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b:1::/48", "NAT64 for local use"),
        ("100::/64", "discard-only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001:10::/28", "ORCHID"),
        ("2001:20::/28", "ORCHIDv2"),
        ("2001::/23", "IETF protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112 sink"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_REFUSED_BY_VERSION = {
    version: tuple((network, name) for network, name in _REFUSED if network.version == version) for version in (4, 6)
}
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32_BITS = 0xFFFF_FFFF
# The interface identifiers of ISATAP tunnels (RFC 5214, section 6.1), whatever the prefix: an IPv4 address follows.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)

LOOPBACK_NETWORKS: tuple[IPNetwork, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
"""What a server without API keys lets destinations reach: the machine it runs on."""

_THIS_MACHINE = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses one kind of traffic may dial.

    :param allowed: networks that may be reached although they are not public.
    :param anywhere: the operator's own destinations and providers: every address will do.
    :param plain_names: whether a name may be registered with plain http. Where it leads is judged when it is dialled.
    """

    allowed: Sequence[IPNetwork] = ()
    anywhere: bool = False
    plain_names: bool = False

    def refusal(self, address: IPAddress, *, plain: bool = False) -> str | None:
        """Why ``address`` may not be dialled, naming the range it is in; None when it may.

        :param plain: the request is plain http, which goes to allowed networks only.
        """
        if self.anywhere:
            return None
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return f"{address} names a zone"
        if self._lists(address):
            return None
        if isinstance(address, IPv6Address) and address in _NAT64:
            # An IPv6-only network reaches every IPv4 host this way, so what counts is the host behind it (RFC 6052).
            inner = self.refusal(IPv4Address(int(address) & _LOW_32_BITS), plain=plain)
            return None if inner is None else f"{address} leads to {inner}"
        return _not_public(address) or (f"{address} is not in an allowed network" if plain else None)

    @property
    def loopback(self) -> bool:
        """Whether this machine itself may be reached."""
        return any(self.refusal(address) is None for address in _THIS_MACHINE)

    @property
    def beyond_loopback(self) -> bool:
        """Whether anything but loopback is allowed, so that plain http to a name can make sense."""
        return self.anywhere or self.plain_names or not all(map(_is_loopback, self.allowed))

    def _lists(self, address: IPAddress) -> bool:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return any(address in network or (mapped is not None and mapped in network) for network in self.allowed)


def _not_public(address: IPAddress) -> str | None:
    for network, name in _REFUSED_BY_VERSION[address.version]:
        if address in network:
            return f"{address} is in {network} ({name})"
    if not isinstance(address, IPv6Address):
        return None
    if address not in _GLOBAL_UNICAST:
        return f"{address} is outside {_GLOBAL_UNICAST} (reserved)"
    if int(address) >> 32 & _LOW_32_BITS in _ISATAP:
        return f"{address} leads into an ISATAP tunnel"
    return None


def _is_loopback(network: IPNetwork) -> bool:
    # Both ends: a network is one unbroken range.
    return any(
        network.network_address in loopback and network.broadcast_address in loopback for loopback in LOOPBACK_NETWORKS
    )
