"""Through a proxy: it resolves and vets, and its faults are not the destination's."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path

import pytest

from bridge.egress import AddressPolicy, Door, OutgoingRequest
from bridge.errors import BlockedAddressError, ConfigurationError, EgressError
from bridge.models import Reason
from tests.egress.conftest import LOOPBACK, MakeDoor
from tests.egress.raw import (
    RawServer,
    Script,
    ScriptedResolver,
    raw_server,
    reply,
    say,
    say_and_close,
    say_and_reset,
)

PUBLIC_ONLY = AddressPolicy()
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def tunnel_to(server: RawServer) -> Script:
    """The part of a proxy that connects every name to one server."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(server.host, server.port)
        writer.write(ESTABLISHED)
        try:
            await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        finally:
            far_writer.transport.abort()

    return script


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.transport.abort()


async def reason_for(door: Door, url: str) -> Reason:
    with pytest.raises(EgressError) as raised:
        await door.send(OutgoingRequest("POST", url), timeout=10)
    return raised.value.reason


async def test_the_proxy_is_asked_for_the_name_and_the_certificate_is_still_checked(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext
) -> None:
    async with raw_server(reply(b"ok"), tls=server_tls) as server, raw_server(tunnel_to(server)) as proxy:
        door = make_door(PUBLIC_ONLY, proxy=proxy.url, ca_file=ca_file)
        got = await door.send(OutgoingRequest("POST", "https://hooks.test/x"), timeout=10)
        assert await reason_for(door, "https://other.test/") is Reason.TLS
    assert got.body == b"ok"
    assert proxy.requests[0].startswith(b"CONNECT hooks.test:443 HTTP/1.1\r\n")


async def test_a_reset_behind_the_tunnel_is_the_destinations(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext
) -> None:
    async with raw_server(say_and_close(), tls=server_tls) as server, raw_server(tunnel_to(server)) as proxy:
        door = make_door(PUBLIC_ONLY, proxy=proxy.url, ca_file=ca_file)
        assert await reason_for(door, "https://hooks.test/") is Reason.RESET


async def test_plain_http_is_forwarded(make_door: MakeDoor) -> None:
    async with raw_server(reply(b"ok")) as proxy:
        got = await make_door(PUBLIC_ONLY, proxy=proxy.url).send(
            OutgoingRequest("POST", "http://receiver.internal/x"), timeout=10
        )
    assert got.body == b"ok"
    assert proxy.requests[0].startswith(b"POST http://receiver.internal/x HTTP/1.1\r\n")


async def test_credentials_in_the_proxys_url_are_sent_to_it(make_door: MakeDoor) -> None:
    async with raw_server(reply()) as proxy:
        door = make_door(proxy=f"http://us%65r:p%40ss@127.0.0.1:{proxy.port}")
        await door.send(OutgoingRequest("POST", "http://receiver.internal/"), timeout=10)
    expected = b"Proxy-Authorization: Basic " + base64.b64encode(b"user:p@ss")
    assert expected in proxy.requests[0].split(b"\r\n")


async def test_a_proxy_may_be_reached_over_tls(make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext) -> None:
    async with raw_server(reply(b"ok"), tls=server_tls) as proxy:
        door = make_door(PUBLIC_ONLY, proxy=f"https://127.0.0.1:{proxy.port}", ca_file=ca_file)
        got = await door.send(OutgoingRequest("POST", "http://receiver.internal/"), timeout=10)
    assert got.body == b"ok"


async def test_a_tunnel_may_lead_through_tls_too(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext
) -> None:
    async with (
        raw_server(reply(b"ok"), tls=server_tls) as server,
        raw_server(tunnel_to(server), tls=server_tls) as proxy,
    ):
        door = make_door(PUBLIC_ONLY, proxy=f"https://user:pass@127.0.0.1:{proxy.port}", ca_file=ca_file)
        for _ in range(2):
            got = await door.send(OutgoingRequest("POST", "https://hooks.test/x"), timeout=10)
        assert (got.body, proxy.connections, server.connections) == (b"ok", 1, 1)
        assert await reason_for(door, "https://other.test/") is Reason.TLS
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"user:pass") in proxy.requests[0].split(b"\r\n")
    assert b"proxy-authorization" not in server.requests[0].lower()


async def test_what_a_proxy_says_after_its_answer_is_not_taken_for_the_destinations(make_door: MakeDoor) -> None:
    async with raw_server(ESTABLISHED + reply(b"forged")) as proxy:
        assert await reason_for(make_door(PUBLIC_ONLY, proxy=proxy.url), "https://hooks.test/") is Reason.OWN_FAULT


async def test_an_address_of_version_6_is_asked_for_in_brackets(make_door: MakeDoor) -> None:
    async with raw_server(reply(status="502 Bad Gateway")) as proxy:
        await reason_for(make_door(AddressPolicy(anywhere=True), proxy=proxy.url), "https://[2001:db8::1]/")
    assert proxy.requests[0].startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n")


async def test_a_proxy_with_a_bad_certificate_is_our_own_fault(make_door: MakeDoor, server_tls: ssl.SSLContext) -> None:
    async with raw_server(reply(), tls=server_tls) as proxy:
        door = make_door(PUBLIC_ONLY, proxy=f"https://127.0.0.1:{proxy.port}")
        assert await reason_for(door, "https://hooks.test/") is Reason.OWN_FAULT


@pytest.mark.parametrize(
    "script",
    [
        say(reply(status="403 Forbidden")),
        say(reply(status="407 Proxy Authentication Required")),
        say(reply(status="502 Bad Gateway")),
        say(b"SSH-2.0-OpenSSH_9.6\r\n"),
        say_and_close(),
        say_and_reset(),
    ],
    ids=["forbids", "wants credentials", "bad gateway", "is no proxy", "closes", "resets"],
)
async def test_a_proxy_that_gives_no_tunnel_is_our_own_fault(make_door: MakeDoor, script: Script) -> None:
    async with raw_server(script) as proxy:
        assert await reason_for(make_door(PUBLIC_ONLY, proxy=proxy.url), "https://hooks.test/") is Reason.OWN_FAULT


@pytest.mark.parametrize(
    "script", [say(reply(status="407 Proxy Authentication Required")), say_and_close()], ids=["credentials", "closes"]
)
async def test_a_proxy_that_does_not_forward_is_our_own_fault(make_door: MakeDoor, script: Script) -> None:
    async with raw_server(script) as proxy:
        assert await reason_for(make_door(PUBLIC_ONLY, proxy=proxy.url), "http://a.internal/") is Reason.OWN_FAULT


async def test_a_proxy_that_is_not_there_is_our_own_fault(make_door: MakeDoor) -> None:
    async with raw_server(reply()) as proxy:
        pass
    assert await reason_for(make_door(PUBLIC_ONLY, proxy=proxy.url), "https://hooks.test/") is Reason.OWN_FAULT


async def test_a_proxy_whose_name_is_unknown_is_our_own_fault(make_door: MakeDoor) -> None:
    door = make_door(PUBLIC_ONLY, proxy="http://proxy.test:3128", resolver=ScriptedResolver([]))
    assert await reason_for(door, "https://hooks.test/") is Reason.OWN_FAULT


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://10.0.0.1/", "http://8.8.8.8/", "https://[::1]/"])
async def test_a_literal_bad_address_does_not_reach_the_proxy(make_door: MakeDoor, url: str) -> None:
    async with raw_server(reply()) as proxy:
        with pytest.raises(BlockedAddressError, match="BRIDGE_ALLOWED_NETWORKS can allow it"):
            await make_door(PUBLIC_ONLY, proxy=proxy.url).send(OutgoingRequest("POST", url), timeout=10)
    assert proxy.connections == 0


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "proxy:3128", "http://", "http://user:secret@proxy:port"])
def test_what_is_no_http_proxy_is_a_configuration_error(proxy: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Door(LOOPBACK, proxy=proxy)
    assert "secret" not in str(raised.value)
