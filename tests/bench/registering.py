"""Watches registered per second through the batch route: over HTTP, a thousand at a time, each batch durable on SQLite
when it is answered. There are two clients, so that the server has something to do while one of them reads its answer.

The baseline is what the same rows cost in bare `sqlite3`: one thousand videos, watches and links a transaction, with
the same indexes and the same durability, and nothing around it.

What limits it, by a profile: SQLite's inserts and commits take a third of the processor time, deciding and the ids and
digests of each watch a quarter, reading the body a twelfth, writing the answer an eighth."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from bridge.store import migrate
from bridge.store.sqlite import _prepare
from tests.bench.cores import measured_core, spending
from tests.bench.figures import Row
from tests.bench.serving import Served, a_batch, served
from tests.bench.wire import Wire, wire

BATCHES = 20
SIZE = 1000
CLIENTS = 2


async def measure(runs: int) -> list[Row]:
    """Two rows: by the wall and by the server's CPU time."""
    ours, bare = [], []
    async with wire() as server:
        for _ in range(runs):
            with measured_core():
                bare.append(alone())
            ours.append(await one(server))
    rows = []
    for place, what in enumerate(("Watches registered a second", "the same a CPU second of the server")):
        rate, least = median(each[place] for each in ours), median(each[place] for each in bare)
        rows.append(Row(what, f"{rate:,.0f}", f"{least:,.0f} by bare sqlite3", f"{rate / least:.2f}"))
    return rows


async def one(server: Wire) -> tuple[float, float]:
    """Watches per second, and per CPU second of the server."""
    # Nothing is looked at meanwhile: one request a hundred seconds.
    with tempfile.TemporaryDirectory() as folder:
        async with served(Path(folder), server, BRIDGE_POLL_RATE="0.01") as bridge:
            await bridge.register(a_batch(0, SIZE, server.url))
            batches = [a_batch(number * SIZE, SIZE, server.url) for number in range(1, BATCHES + 1)]
            began, spent = time.perf_counter(), bridge.cpu()
            await asyncio.gather(*(_send(bridge, batches) for _ in range(CLIENTS)))
            wall, cpu = time.perf_counter() - began, bridge.cpu() - spent
    return BATCHES * SIZE / wall, BATCHES * SIZE / cpu


async def _send(bridge: Served, batches: list[list[dict[str, Any]]]) -> None:
    """Register batches until there are none left."""
    while batches:
        await bridge.register(batches.pop())


def alone() -> tuple[float, float]:
    """Watches that SQLite takes when nothing is around it, per second and per CPU second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bridge.db")
        migrate(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            _prepare(connection, 5000, True)
            connection.execute(
                "INSERT INTO destinations (id, origin, kind, target, shown_url, host, config, config_key, events,"
                " is_default, enabled, created_at, updated_at) VALUES ('dest_1', 'inline', 'callback', 't', 'u', 'h',"
                " x'00', 'k', '[]', 0, 1, 1, 1)"
            )
            with spending() as spent:
                for batch in range(BATCHES):
                    connection.execute("BEGIN IMMEDIATE")
                    _insert(connection, range(batch * SIZE, (batch + 1) * SIZE))
                    connection.execute("COMMIT")
    return BATCHES * SIZE / spent.wall, BATCHES * SIZE / spent.cpu


def _insert(connection: sqlite3.Connection, numbers: range) -> None:
    connection.executemany(
        "INSERT INTO videos (id, provider, video_id, created_at, looks, missing_count, deadline, next_at, fence)"
        " VALUES (?, 'openai', ?, 1, 0, 0, 90000, 1, 0)",
        [(f"vid_{each:026}", f"video_{each}") for each in numbers],
    )
    connection.executemany(
        "INSERT INTO watches (id, video, provider, video_id, status, slot, key, content, metadata, created_at,"
        " expires_at) VALUES (?, ?, 'openai', ?, 'watching', ?, ?, ?, '{}', 1, 90000)",
        [
            (f"watch_{each:026}", f"vid_{each:026}", f"video_{each}", f"{each * 2**200:064x}"[::-1], "k" * 64, "c" * 64)
            for each in numbers
        ],
    )
    connection.executemany(
        "INSERT INTO watch_destinations VALUES (?, 'dest_1', 0)", [(f"watch_{each:026}",) for each in numbers]
    )
