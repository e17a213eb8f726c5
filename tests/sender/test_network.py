"""A receiver that cannot be reached, or a network that is not there."""

from __future__ import annotations

from bridge.models import Reason
from bridge.sender.network import ENOUGH_HOSTS, WINDOW, Network


def judged(network: Network, *hosts: str, reason: Reason = Reason.DNS, now: float = 0.0) -> list[Reason]:
    return [network.judged(host, reason, now) for host in hosts]


def test_one_host_that_cannot_be_found_is_at_fault_itself() -> None:
    assert set(judged(Network(), *["a.example"] * 50)) == {Reason.DNS}


def test_when_nobody_can_be_found_it_is_the_network() -> None:
    hosts = [f"{number}.example" for number in range(ENOUGH_HOSTS + 1)]
    assert judged(Network(), *hosts) == [Reason.DNS, Reason.DNS, Reason.OWN_FAULT, Reason.OWN_FAULT]


def test_as_long_as_one_answers_the_network_is_there() -> None:
    network = Network()
    for host in ("a", "b", "c", "d"):
        assert judged(network, host) == [Reason.DNS]
        network.reached()


def test_a_timeout_or_a_reset_shows_that_somebody_was_connected_to() -> None:
    network = Network()
    judged(network, "a", "b")
    assert judged(network, "c", reason=Reason.RESET) == [Reason.RESET]
    assert judged(network, "d") == [Reason.DNS]


def test_what_failed_long_ago_says_nothing() -> None:
    network = Network()
    judged(network, "a", "b")
    assert judged(network, "c", now=WINDOW + 1) == [Reason.DNS]
