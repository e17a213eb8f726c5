"""A DNS server on loopback that changes its mind, and a look-up that asks it over UDP."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

from bridge.egress import IPAddress, SystemResolver

Records = Sequence[str]
"""What a name has: ``A 192.0.2.1``, ``AAAA 2001:db8::1``, ``CNAME other.test``."""


class NameServer(asyncio.DatagramProtocol):
    """Answers each look-up of a name with the next of its record sets; the last one for ever.

    :param zone: the record sets of each name.
    """

    def __init__(self, zone: Mapping[str, Sequence[Records]]) -> None:
        self.zone = zone
        self.port = 0
        self.asked: Counter[str] = Counter()
        """How often each name was asked for its IPv4 addresses: once a look-up."""
        self._seen: Counter[tuple[str, str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        question = query.question[0]
        name, wanted = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked[name] += wanted == "A"
        if name not in self.zone:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self._answer(reply, name, wanted)
        self._transport.sendto(reply.to_wire(), addr)

    def _answer(self, reply: dns.message.Message, name: str, wanted: str) -> None:
        """The records of this name, and of those it is another name for."""
        sets = self.zone.get(name, [[]])
        records = sets[min(self._seen[name, wanted], len(sets) - 1)]
        self._seen[name, wanted] += 1
        for kind, _, value in (record.partition(" ") for record in records):
            if kind == "CNAME":
                reply.answer.append(dns.rrset.from_text(f"{name}.", 0, "IN", kind, f"{value}."))
                self._answer(reply, value, wanted)
            elif kind == wanted:
                reply.answer.append(dns.rrset.from_text(f"{name}.", 0, "IN", kind, value))

    def look_up(self, host: str, port: int) -> list[IPAddress]:
        """Ask this server, as a stub resolver does; blocks, so it is called from another thread."""
        client = dns.resolver.Resolver(configure=False)
        client.nameservers, client.port = ["127.0.0.1"], self.port
        client.timeout = client.lifetime = 10.0  # who asks again after a moment is given the next of the answers
        client.use_edns(0, 0, 4096)
        try:
            return [ip_address(text) for text in client.resolve_name(f"{host}.").addresses()]
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from error


@asynccontextmanager
async def name_server(**zone: Sequence[Records]) -> AsyncIterator[tuple[NameServer, SystemResolver]]:
    """A running server for ``<name>.test``, and the product's resolver asking it."""
    made = NameServer({f"{name}.test": sets for name, sets in zone.items()})
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    resolver = SystemResolver(look_up=server.look_up)
    try:
        yield server, resolver
    finally:
        await resolver.aclose()
        transport.close()
