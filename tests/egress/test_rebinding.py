"""Names whose server changes its mind: nobody who must not be reached is ever connected to.

127.0.0.2 stands for the Internet here, the only network that may be reached; 127.0.0.1 for everything inside. Both
listen on one port, so that a second look-up between check and connect would be seen.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.egress import AddressPolicy, Door, OutgoingRequest
from bridge.errors import EgressError
from bridge.models import Reason
from tests.clock import ManualClock
from tests.egress.conftest import MakeDoor
from tests.egress.nameserver import name_server
from tests.egress.raw import RawServer, Script, raw_server, reply
from tests.parts import Setting, open_parts
from tests.sender.events import NOWHERE, ended, outcomes

GOOD, BAD = ["A 127.0.0.2"], ["A 127.0.0.1"]
POLICY = AddressPolicy([ip_network("127.0.0.2/32")], plain_names=True)
KEPT = reply(b"ok")
CLOSED = reply(b"ok", "Connection: close")


@asynccontextmanager
async def inside_and_outside(
    script: Script | bytes = CLOSED, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[RawServer, RawServer]]:
    """A listener outside, which may be reached, and one inside on the same port."""
    async with (
        raw_server(script, host="127.0.0.2", tls=tls) as outside,
        raw_server(script, host="127.0.0.1", port=outside.port, tls=tls) as inside,
    ):
        yield outside, inside


async def sent(door: Door, port: int, name: str = "rebind", scheme: str = "http") -> str:
    """What came of a request: ``ok``, or why not."""
    try:
        answer = await door.send(OutgoingRequest("POST", f"{scheme}://{name}.test:{port}/"), timeout=20)
    except EgressError as error:
        return error.reason.value
    return answer.body.decode()


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(make_door: MakeDoor) -> None:
    async with name_server(rebind=[GOOD, BAD]) as (names, resolver), inside_and_outside() as (outside, inside):
        assert await sent(make_door(POLICY, resolver=resolver), outside.port) == "ok"
    assert names.asked["rebind.test"] == 1
    assert (outside.connections, inside.connections) == (1, 0)


async def test_the_next_connection_is_checked_anew(make_door: MakeDoor) -> None:
    async with name_server(rebind=[GOOD, BAD, GOOD]) as (_, resolver), inside_and_outside() as (outside, inside):
        door = make_door(POLICY, resolver=resolver)
        assert [await sent(door, outside.port) for _ in range(3)] == ["ok", "blocked_address", "ok"]
    assert (outside.connections, inside.connections) == (2, 0)


async def test_a_kept_connection_stays_where_it_was_checked(make_door: MakeDoor) -> None:
    async with name_server(rebind=[GOOD, BAD]) as (names, resolver), inside_and_outside(KEPT) as (outside, inside):
        door = make_door(POLICY, resolver=resolver)
        assert [await sent(door, outside.port) for _ in range(5)] == ["ok"] * 5
    assert (names.asked["rebind.test"], len(outside.requests)) == (1, 5)
    assert (outside.connections, inside.connections) == (1, 0)


async def test_a_kept_connection_that_ended_leads_to_a_new_check(make_door: MakeDoor) -> None:
    async def answer_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(KEPT)  # says nothing of leaving, so the connection is kept
        writer.close()

    async with (
        name_server(rebind=[GOOD, BAD]) as (_, resolver),
        inside_and_outside(answer_and_leave) as (outside, inside),
    ):
        door = make_door(POLICY, resolver=resolver)
        assert await sent(door, outside.port) == "ok"
        while not outside.closed:
            await asyncio.sleep(0)
        assert await sent(door, outside.port) in ("blocked_address", "reset")
    assert (outside.connections, inside.connections) == (1, 0)


async def test_a_name_that_flips_with_every_look_up_never_leads_inside(make_door: MakeDoor) -> None:
    flips = [GOOD, BAD] * 20
    async with name_server(rebind=flips) as (names, resolver), inside_and_outside() as (outside, inside):
        door = make_door(POLICY, resolver=resolver)
        came = [sent(door, outside.port) for _ in range(40)]
        results = [result for start in range(0, 40, 8) for result in await asyncio.gather(*came[start : start + 8])]
        results += [await sent(door, outside.port) for _ in range(4)]
    assert set(results) == {"ok", "blocked_address"}
    assert names.asked["rebind.test"] > 1
    assert (outside.connections, inside.connections) == (results.count("ok"), 0)


@pytest.mark.parametrize(
    "records",
    [
        ["A 127.0.0.2", "A 127.0.0.1"],
        ["A 127.0.0.1", "A 127.0.0.2"],
        ["A 127.0.0.2", "AAAA ::1"],
        ["AAAA ::ffff:127.0.0.1", "A 127.0.0.2"],
        ["AAAA 64:ff9b::127.0.0.1", "A 127.0.0.2"],
        ["A 127.0.0.2"] + [f"A 10.0.0.{number}" for number in range(30)],
        ["CNAME mixed.test"],
        ["CNAME alias.test"],
    ],
    ids=lambda records: " ".join(records[:2]),
)
async def test_one_bad_address_refuses_the_name_however_it_is_told(make_door: MakeDoor, records: list[str]) -> None:
    others = {"mixed": [[*GOOD, *BAD]], "alias": [["CNAME inside.test"]], "inside": [BAD]}
    async with name_server(rebind=[records], **others) as (_, resolver), inside_and_outside() as (outside, inside):
        assert await sent(make_door(POLICY, resolver=resolver), outside.port) == "blocked_address"
    assert (outside.connections, inside.connections) == (0, 0)


async def test_a_name_for_a_good_name_is_good(make_door: MakeDoor) -> None:
    zone = {"rebind": [["CNAME alias.test"]], "alias": [["CNAME outside.test"]], "outside": [GOOD, BAD]}
    async with name_server(**zone) as (_, resolver), inside_and_outside() as (outside, inside):
        assert await sent(make_door(POLICY, resolver=resolver), outside.port) == "ok"
    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.parametrize("zone", [{}, {"rebind": [[]]}], ids=["unknown", "without addresses"])
async def test_a_name_without_addresses_is_a_dns_failure(make_door: MakeDoor, zone: dict[str, list[list[str]]]) -> None:
    async with name_server(**zone) as (_, resolver):
        assert await sent(make_door(POLICY, resolver=resolver), 9) == Reason.DNS


async def test_with_tls_the_checked_address_must_prove_the_name(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext
) -> None:
    zone = {"hooks": [GOOD, BAD], "other": [GOOD, BAD]}
    async with name_server(**zone) as (_, resolver), inside_and_outside(tls=server_tls) as (outside, inside):
        door = make_door(POLICY, resolver=resolver, ca_file=ca_file)
        came = [await sent(door, outside.port, name, "https") for name in ("hooks", "other", "hooks", "other")]
    assert came == ["ok", "tls", "blocked_address", "blocked_address"]
    assert inside.connections == 0


async def test_a_delivery_is_checked_at_every_attempt(tmp_path: Path, clock: ManualClock) -> None:
    busy = reply(b"", "Connection: close", status="503 Busy")
    async with name_server(rebind=[GOOD, GOOD, BAD]) as (_, resolver), inside_and_outside(busy) as (outside, inside):
        setting = Setting(policy=POLICY, resolver=resolver, retries=(5.0, 5.0, 5.0))
        async with open_parts(tmp_path, clock, NOWHERE, setting) as parts:
            await ended(parts, callback_url=f"http://rebind.test:{outside.port}/hook")
            await parts.live(60)
            came = outcomes(await parts.delivery())
    assert came == [("retry", "server_error", 503)] * 2 + [("failed", "blocked_address", None)]
    assert (outside.connections, inside.connections) == (2, 0)
