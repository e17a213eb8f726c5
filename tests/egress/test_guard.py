"""Nothing is dialled that was not checked: proved with real listeners that count who comes."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest

from bridge.egress import AddressPolicy, Door, OutgoingRequest
from bridge.egress.addresses import REMEDY
from bridge.errors import BlockedAddressError, EgressError
from bridge.models import Reason
from tests.egress.conftest import MakeDoor
from tests.egress.corpus import HOSTILE_ANSWERS
from tests.egress.raw import ScriptedResolver, raw_server, reply

ONLY_THE_FIRST = AddressPolicy([ip_network("127.0.0.1/32")])
CLOSE = reply(b"ok", "Connection: close")


async def send(door: Door, url: str) -> int:
    return (await door.send(OutgoingRequest("POST", url), timeout=10)).status


async def blocked(door: Door, url: str) -> str:
    with pytest.raises(BlockedAddressError) as raised:
        await send(door, url)
    assert raised.value.reason is Reason.BLOCKED_ADDRESS
    return raised.value.detail


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(make_door: MakeDoor) -> None:
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])  # rebinding: good when asked first, bad ever after
    door = make_door(ONLY_THE_FIRST, resolver=resolver)
    async with raw_server(reply()) as allowed, raw_server(reply(), host="127.0.0.2", port=allowed.port) as forbidden:
        assert await send(door, f"http://rebind.test:{allowed.port}/") == 200
    assert resolver.asked == [("rebind.test", allowed.port)]
    assert (allowed.connections, forbidden.connections) == (1, 0)


async def test_every_new_connection_is_checked_again(make_door: MakeDoor) -> None:
    door = make_door(ONLY_THE_FIRST, resolver=ScriptedResolver(["127.0.0.1"], ["127.0.0.2"]))
    async with raw_server(CLOSE) as allowed, raw_server(CLOSE, host="127.0.0.2", port=allowed.port) as forbidden:
        url = f"http://rebind.test:{allowed.port}/"
        await send(door, url)
        detail = await blocked(door, url)
    assert detail == f"rebind.test: 127.0.0.2 is in 127.0.0.0/8 (loopback); {REMEDY}"
    assert (allowed.connections, forbidden.connections) == (1, 0)


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
async def test_one_bad_answer_refuses_the_name(make_door: MakeDoor, answer: list[str]) -> None:
    door = make_door(ONLY_THE_FIRST, resolver=ScriptedResolver(answer))
    async with raw_server(CLOSE) as allowed, raw_server(CLOSE, host="127.0.0.2", port=allowed.port) as forbidden:
        await blocked(door, f"http://mixed.test:{allowed.port}/")
    assert (allowed.connections, forbidden.connections) == (0, 0)


async def test_every_hostile_answer_is_refused_before_anything_is_dialled_and_the_log_says_why(
    make_door: MakeDoor,
) -> None:
    for each in HOSTILE_ANSWERS:
        door = make_door(AddressPolicy(), resolver=ScriptedResolver(each.addresses))
        detail = await blocked(door, "https://inside.test/")
        assert re.match(r"inside\.test: ", detail)
        assert re.search(each.says, detail), each


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0x7f.1", "localhost"])
async def test_no_spelling_of_this_machine_gets_through(make_door: MakeDoor, host: str) -> None:
    door = make_door(AddressPolicy())  # with the system's own resolver
    async with raw_server(reply()) as server:
        await blocked(door, f"http://{host}:{server.port}/")
        await blocked(door, f"https://{host}:{server.port}/")
    assert server.connections == 0


async def test_a_literal_address_needs_no_resolver(make_door: MakeDoor) -> None:
    resolver = ScriptedResolver([])
    async with raw_server(reply()) as server:
        await send(make_door(resolver=resolver), server.url)
    assert resolver.asked == []


async def test_a_name_without_addresses_is_a_dns_failure(make_door: MakeDoor) -> None:
    with pytest.raises(EgressError) as raised:
        await send(make_door(resolver=ScriptedResolver([])), "http://nowhere.test/")
    assert raised.value.reason is Reason.DNS


async def test_plain_http_to_a_public_address_is_refused_when_sent(make_door: MakeDoor) -> None:
    door = make_door(AddressPolicy([ip_network("10.0.0.0/8")]), resolver=ScriptedResolver(["8.8.8.8"]))
    assert await blocked(door, "http://public.test/") == f"public.test: 8.8.8.8 is not in an allowed network; {REMEDY}"


async def test_the_operators_own_may_be_anywhere(make_door: MakeDoor) -> None:
    async with raw_server(reply()) as server:
        assert await send(make_door(AddressPolicy(anywhere=True)), server.url) == 200
