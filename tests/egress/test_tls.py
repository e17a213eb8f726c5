"""TLS: who is believed, and how we identify ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from bridge.egress import Door, OutgoingRequest
from bridge.errors import ConfigurationError, EgressError
from bridge.models import Reason
from tests.egress.conftest import LOOPBACK, MakeDoor
from tests.egress.raw import RawServer, ScriptedResolver, hang, raw_server, reply, say_and_close

HERE = ["127.0.0.1"]


def https(server: RawServer, host: str = "hooks.test") -> OutgoingRequest:
    return OutgoingRequest("GET", f"https://{host}:{server.port}/")


async def reason_for(door: Door, request: OutgoingRequest, timeout: float = 10) -> Reason:
    with pytest.raises(EgressError) as raised:
        await door.send(request, timeout=timeout)
    return raised.value.reason


@pytest.mark.parametrize("host", ["hooks.test", "HOOKS.test", "hooks.test.", "127.0.0.1"])
async def test_a_certificate_good_for_the_name_is_accepted(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext, host: str
) -> None:
    door = make_door(ca_file=ca_file, resolver=ScriptedResolver(HERE))
    async with raw_server(reply(b"ok"), tls=server_tls) as server:
        assert (await door.send(https(server, host), timeout=10)).body == b"ok"


async def test_a_certificate_for_another_name_is_refused(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext
) -> None:
    door = make_door(ca_file=ca_file, resolver=ScriptedResolver(HERE))
    async with raw_server(reply(), tls=server_tls) as server:
        with pytest.raises(EgressError, match=r"tls: other\.test: ") as raised:
            await door.send(https(server, "other.test"), timeout=10)
    assert raised.value.reason is Reason.TLS
    assert server.requests == []


async def test_a_name_beyond_ascii_is_verified_in_its_ascii_form(
    make_door: MakeDoor, ca_file: Path, authority: trustme.CA
) -> None:
    tls, names = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), list[str]()
    authority.issue_cert("xn--hks-snaa.test").configure_cert(tls)
    tls.sni_callback = lambda _, name, __: names.append(str(name))
    door = make_door(ca_file=ca_file, resolver=ScriptedResolver(HERE))
    async with raw_server(reply(b"ok"), tls=tls) as server:
        assert (await door.send(https(server, "hööks.test"), timeout=10)).body == b"ok"
    assert names == ["xn--hks-snaa.test"]


async def test_an_unknown_authority_is_refused(make_door: MakeDoor, server_tls: ssl.SSLContext) -> None:
    door = make_door(resolver=ScriptedResolver(HERE))
    async with raw_server(reply(), tls=server_tls) as server:
        assert await reason_for(door, https(server)) is Reason.TLS
    assert server.requests == []


async def test_a_server_that_does_not_speak_tls_is_a_tls_failure(make_door: MakeDoor) -> None:
    door = make_door(resolver=ScriptedResolver(HERE))
    async with raw_server(reply(status="400 Bad Request"), unasked=True) as server:
        assert await reason_for(door, https(server)) is Reason.TLS


async def test_hanging_up_in_the_handshake_is_a_reset(make_door: MakeDoor) -> None:
    door = make_door(resolver=ScriptedResolver(HERE))
    async with raw_server(say_and_close(), unasked=True) as server:
        assert await reason_for(door, https(server)) is Reason.RESET


async def test_the_deadline_covers_the_handshake(make_door: MakeDoor) -> None:
    door = make_door(resolver=ScriptedResolver(HERE))
    async with raw_server(hang) as server:
        assert await reason_for(door, https(server), timeout=1.0) is Reason.TIMEOUT
        assert server.connections == 1


async def test_hanging_up_after_the_handshake_is_a_reset(
    make_door: MakeDoor, ca_file: Path, server_tls: ssl.SSLContext
) -> None:
    door = make_door(ca_file=ca_file, resolver=ScriptedResolver(HERE))
    async with raw_server(say_and_close(), tls=server_tls) as server:
        assert await reason_for(door, https(server)) is Reason.RESET


@pytest.fixture
def asking_tls(server_tls: ssl.SSLContext, authority: trustme.CA) -> ssl.SSLContext:
    """A server that wants to see a client certificate."""
    server_tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_tls)
    return server_tls


async def test_we_identify_with_a_client_certificate(
    make_door: MakeDoor, ca_file: Path, asking_tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    pem = tmp_path / "client.pem"
    authority.issue_cert("bridge@example.com").private_key_and_cert_chain_pem.write_to_path(str(pem))
    door = make_door(ca_file=ca_file, client_cert=pem, resolver=ScriptedResolver(HERE))
    async with raw_server(reply(b"ok"), tls=asking_tls) as server:
        assert (await door.send(https(server), timeout=10)).body == b"ok"


def refuse_politely(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Accept one connection and, when TLS fails, say so before closing (asyncio's servers only hang up)."""
    connection, _ = listener.accept()
    with connection, tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
        with contextlib.suppress(ssl.SSLError):
            secured.do_handshake()
        secured.shutdown(socket.SHUT_WR)
        while socket.socket.recv(secured, 65_536):
            pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_missing_client_certificate_is_a_tls_failure(
    make_door: MakeDoor, ca_file: Path, asking_tls: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    asking_tls.minimum_version = asking_tls.maximum_version = version
    door = make_door(ca_file=ca_file, resolver=ScriptedResolver(HERE))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = asyncio.create_task(asyncio.to_thread(refuse_politely, listener, asking_tls))
        assert await reason_for(door, https(RawServer("127.0.0.1", listener.getsockname()[1]))) is Reason.TLS
        await served


@pytest.mark.parametrize("option", ["ca_file", "client_cert"])
@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_that_cannot_be_used_is_a_configuration_error(tmp_path: Path, option: str, content: str | None) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="cannot be used") as raised:
        Door(LOOPBACK, **{option: path})  # type: ignore[arg-type]
    assert str(path) in str(raised.value)
