"""Dialling one address after the other, and whose fault it is when none answers."""

from __future__ import annotations

import errno
import ssl
from ipaddress import ip_network

import httpx
import pytest

from bridge.egress import AddressPolicy, IPAddress
from bridge.egress.dialling import Dialler, Origin, Proxy
from bridge.egress.failures import translated
from bridge.egress.wire import Wire
from bridge.errors import EgressError
from bridge.models import Reason
from tests.egress.raw import ScriptedResolver

TEN = AddressPolicy([ip_network("10.0.0.0/8")])
HERE = Origin("http", "name.test", 80)
PROXY = Proxy(Origin("http", "proxy.test", 3128))
NO_ANSWER = TimeoutError()
PLACE = "name.test, port 80"


def failed(number: int) -> OSError:
    return OSError(number, "why")


class Wires:
    """What each address does when it is dialled: connect, or raise."""

    def __init__(self, **outcomes: OSError | None) -> None:
        self._outcomes = {name.replace("_", ".").lstrip("n"): outcome for name, outcome in outcomes.items()}
        self.dialled: list[tuple[str, float | None]] = []

    async def connect(self, wire: Wire, address: IPAddress, port: int, timeout: float | None) -> None:
        self.dialled.append((str(address), timeout))
        outcome = self._outcomes.get(str(address), failed(errno.ECONNREFUSED))
        if outcome is not None:
            raise outcome


async def connect(wires: Wires, *addresses: str, timeout: float | None = 12, proxy: Proxy | None = None) -> None:
    dialler = Dialler(TEN, ScriptedResolver(addresses), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), proxy, wires.connect)
    await dialler.dial(HERE, timeout)


async def failure(wires: Wires, *addresses: str, proxy: Proxy | None = None) -> EgressError:
    with pytest.raises(EgressError) as raised, translated():
        await connect(wires, *addresses, proxy=proxy)
    return raised.value


async def test_addresses_are_dialled_in_order_until_one_connects() -> None:
    wires = Wires(n10_0_0_2=None)
    await connect(wires, "10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert [address for address, _ in wires.dialled] == ["10.0.0.1", "10.0.0.2"]


async def test_a_single_address_has_all_the_time() -> None:
    wires = Wires(n10_0_0_1=None)
    await connect(wires, "10.0.0.1")
    assert wires.dialled == [("10.0.0.1", None)]


async def test_several_addresses_share_the_time() -> None:
    wires = Wires(n10_0_0_3=None)
    await connect(wires, "10.0.0.1", "10.0.0.2", "10.0.0.3", timeout=12)
    assert [share for _, share in wires.dialled] == [4, 4, 4]


async def test_without_a_deadline_there_is_nothing_to_share() -> None:
    wires = Wires(n10_0_0_2=None)
    await connect(wires, "10.0.0.1", "10.0.0.2", timeout=None)
    assert [share for _, share in wires.dialled] == [None, None]


async def test_a_dead_proxy_is_noticed_before_the_deadline() -> None:
    wires = Wires(n10_0_0_1=NO_ANSWER)
    noticed = await failure(wires, "10.0.0.1", proxy=PROXY)
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
    assert (refused.reason, refused.detail) == (reason, f"{PLACE}: 10.0.0.1: {errno.errorcode[number]}")


async def test_a_failure_without_a_number_is_the_other_sides() -> None:
    refused = await failure(Wires(n10_0_0_1=OSError("?")), "10.0.0.1")
    assert (refused.reason, refused.detail) == (Reason.CONNECT, f"{PLACE}: 10.0.0.1: cannot connect")


async def test_of_several_failures_the_most_telling_counts_and_all_are_kept() -> None:
    wires = Wires(n10_0_0_1=failed(errno.ENETUNREACH), n10_0_0_2=NO_ANSWER)
    unreached = await failure(wires, "10.0.0.1", "10.0.0.2")
    assert unreached.reason is Reason.TIMEOUT
    assert unreached.detail == f"{PLACE}: 10.0.0.1: ENETUNREACH; 10.0.0.2: no answer"
    assert (await failure(wires, "10.0.0.1", "10.0.0.2", "10.0.0.3")).reason is Reason.CONNECT


@pytest.mark.parametrize(("outcome", "kind"), [(NO_ANSWER, httpx.ConnectTimeout), (OSError(), httpx.ConnectError)])
async def test_httpx_would_raise_the_same(outcome: OSError, kind: type[httpx.TransportError]) -> None:
    with pytest.raises(kind) as raised:
        await connect(Wires(n10_0_0_1=outcome), "10.0.0.1")
    assert type(raised.value) is kind
