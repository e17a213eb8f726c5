"""Dialling one address after the other, and whose fault it is when none answers."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterable
from ipaddress import ip_network

import httpcore
import pytest

from bridge.egress import AddressPolicy
from bridge.egress.backend import CheckedBackend, CheckedStream, SocketOption
from bridge.errors import EgressError
from bridge.models import Reason
from tests.egress.raw import ScriptedResolver

TEN = AddressPolicy([ip_network("10.0.0.0/8")])
CONNECTED = object()


def failed(number: int) -> httpcore.ConnectError:
    """A failure as the library wraps it: ours lies two causes down."""
    error, wrapped = httpcore.ConnectError("failed"), OSError("all attempts failed")
    wrapped.__cause__ = OSError(number, "why")
    error.__cause__ = wrapped
    return error


class Wires(httpcore.AsyncNetworkBackend):
    """What each address does when it is dialled: connect, or raise."""

    def __init__(self, **outcomes: object) -> None:
        self._outcomes = {name.replace("_", ".").lstrip("n"): outcome for name, outcome in outcomes.items()}
        self.dialled: list[tuple[str, float | None]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, timeout))
        outcome = self._outcomes.get(host, failed(errno.ECONNREFUSED))
        if isinstance(outcome, Exception):
            raise outcome
        return httpcore.AsyncMockStream([])


async def connect(wires: Wires, *addresses: str, timeout: float | None = 12, proxy_layers: int = 0) -> None:
    resolver = ScriptedResolver(addresses)
    backend = CheckedBackend(TEN, resolver, proxy_layers=proxy_layers, dialler=wires)
    await backend.connect_tcp("name.test", 443, timeout)


async def failure(wires: Wires, *addresses: str, proxy_layers: int = 0) -> EgressError:
    with pytest.raises(EgressError) as raised:
        await connect(wires, *addresses, proxy_layers=proxy_layers)
    return raised.value


async def test_addresses_are_dialled_in_order_until_one_connects() -> None:
    wires = Wires(n10_0_0_2=CONNECTED)
    await connect(wires, "10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert [address for address, _ in wires.dialled] == ["10.0.0.1", "10.0.0.2"]


async def test_a_single_address_has_all_the_time() -> None:
    wires = Wires(n10_0_0_1=CONNECTED)
    await connect(wires, "10.0.0.1")
    assert wires.dialled == [("10.0.0.1", None)]


async def test_several_addresses_share_the_time() -> None:
    wires = Wires(n10_0_0_3=CONNECTED)
    await connect(wires, "10.0.0.1", "10.0.0.2", "10.0.0.3", timeout=12)
    assert [share for _, share in wires.dialled] == [4, 4, 4]


async def test_without_a_deadline_there_is_nothing_to_share() -> None:
    wires = Wires(n10_0_0_2=CONNECTED)
    await connect(wires, "10.0.0.1", "10.0.0.2", timeout=None)
    assert [share for _, share in wires.dialled] == [None, None]


async def test_a_dead_proxy_is_noticed_before_the_deadline() -> None:
    wires = Wires(n10_0_0_1=httpcore.ConnectTimeout())
    noticed = await failure(wires, "10.0.0.1", proxy_layers=1)
    assert (noticed.reason, wires.dialled) == (Reason.OWN_FAULT, [("10.0.0.1", 6)])


async def test_a_name_with_hundreds_of_addresses_is_not_dialled_hundreds_of_times() -> None:
    wires = Wires()
    await failure(wires, *(f"10.0.0.{number}" for number in range(200)))
    assert len(wires.dialled) == 8


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, Reason.CONNECT),
        (errno.EHOSTUNREACH, Reason.CONNECT),
        (errno.ENETUNREACH, Reason.OWN_FAULT),
        (errno.ENETDOWN, Reason.OWN_FAULT),
        (errno.EMFILE, Reason.OWN_FAULT),
        (errno.ENFILE, Reason.OWN_FAULT),
        (errno.ENOBUFS, Reason.OWN_FAULT),
        (errno.EADDRNOTAVAIL, Reason.OWN_FAULT),
    ],
)
async def test_the_system_says_whose_fault_it_is(number: int, reason: Reason) -> None:
    refused = await failure(Wires(n10_0_0_1=failed(number)), "10.0.0.1")
    assert (refused.reason, refused.detail) == (reason, f"10.0.0.1: {errno.errorcode[number]}")


async def test_a_failure_without_a_number_is_the_other_sides() -> None:
    refused = await failure(Wires(n10_0_0_1=httpcore.ConnectError("?")), "10.0.0.1")
    assert (refused.reason, refused.detail) == (Reason.CONNECT, "10.0.0.1: cannot connect")


async def test_of_several_failures_the_most_telling_counts_and_all_are_kept() -> None:
    wires = Wires(n10_0_0_1=failed(errno.ENETUNREACH), n10_0_0_2=httpcore.ConnectTimeout())
    unreached = await failure(wires, "10.0.0.1", "10.0.0.2")
    assert (unreached.reason, unreached.detail) == (Reason.TIMEOUT, "10.0.0.1: ENETUNREACH; 10.0.0.2: no answer")
    assert (await failure(wires, "10.0.0.1", "10.0.0.2", "10.0.0.3")).reason is Reason.CONNECT


class Unwritable(httpcore.AsyncMockStream):
    """A connection whose TLS has failed by the time something is to be sent."""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        raise ssl.SSLError("alert: certificate required")


@pytest.mark.parametrize(("proxy_layers", "reason"), [(0, Reason.TLS), (1, Reason.OWN_FAULT)])
async def test_tls_that_fails_while_sending_is_a_tls_failure(proxy_layers: int, reason: Reason) -> None:
    with pytest.raises(EgressError, match="certificate required") as raised:
        await CheckedStream(Unwritable([]), proxy_layers).write(b"GET / HTTP/1.1")
    assert raised.value.reason is reason
