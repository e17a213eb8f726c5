"""What the egress guard costs a delivery that needs a new connection: reading its host, judging what it stands for.

The addresses are public ones of both kinds, for which the whole table is gone through. A kept connection costs nothing
of this, and a URL is judged only once, when it is registered. The baseline is a whole delivery, end to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address
from statistics import median

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, check_url
from bridge.egress.urls import literal_address
from tests.bench.delivering import rate
from tests.bench.figures import Row

ROUNDS = 2000
POLICY = AddressPolicy(LOOPBACK_NETWORKS)
ADDRESSES = [ip_address("8.8.8.8"), ip_address("2606:4700::1111")]


async def measure(runs: int) -> list[Row]:
    """Two rows: at each connection, and at registration."""
    judged = median(seconds(connecting) for _ in range(runs))
    registered = median(seconds(registering) for _ in range(runs))
    whole = 1 / median([await rate(hanging=0) for _ in range(runs)])
    return [
        Row(what, f"{cost * 1e6:.1f} µs", f"{whole * 1e6:.0f} µs a delivery", f"{cost / whole:.3f}")
        for what, cost in (("host and two addresses judged", judged), ("URL judged when it is registered", registered))
    ]


def connecting() -> None:
    """What is judged before a connection is made."""
    literal_address("hooks.example.com")
    for address in ADDRESSES:
        assert POLICY.refusal(address) is None


def registering() -> None:
    """What is judged before a URL is stored."""
    check_url("https://hooks.example.com/services/T000/B000?token=abc", POLICY)


def seconds(work: Callable[[], None]) -> float:
    """How long a piece of work takes, on average."""
    began = time.perf_counter()
    for _ in range(ROUNDS):
        work()
    return (time.perf_counter() - began) / ROUNDS
