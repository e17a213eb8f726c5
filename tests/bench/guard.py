"""What the egress guard costs a delivery: judging its URL and the address its name stands for.

The baseline is a whole delivery, end to end."""

from __future__ import annotations

import time
from ipaddress import ip_address
from statistics import median

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, check_url
from tests.bench.delivering import rate
from tests.bench.figures import Row

ROUNDS = 2000


async def measure(runs: int) -> list[Row]:
    """One row."""
    policy = AddressPolicy(LOOPBACK_NETWORKS)
    url, address = "http://127.0.0.1:9000/hook", ip_address("127.0.0.1")
    judged = []
    for _ in range(runs):
        began = time.perf_counter()
        for _ in range(ROUNDS):
            check_url(url, policy)
            policy.refusal(address)
        judged.append((time.perf_counter() - began) / ROUNDS)
    cost, whole = median(judged), 1 / median([await rate(hanging=0) for _ in range(runs)])
    return [
        Row("URL and address judged", f"{cost * 1e6:.1f} µs", f"{whole * 1e6:.0f} µs a delivery", f"{cost / whole:.3f}")
    ]
