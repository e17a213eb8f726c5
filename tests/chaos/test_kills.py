"""Servers that are killed or frozen at any moment, and a database that is restarted under them: nothing is lost.

Each run ends with a line of what was registered, told, lost, and told more than once.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from bridge.ids import event_id
from bridge.models import EventType
from bridge.simulator import SimulatorSettings
from bridge.store import migrate
from tests import postgres
from tests.chaos import FULL
from tests.e2e.process import BridgeProcess
from tests.ports import free_port
from tests.receiver import Receiver
from tests.servers import SimulatedProvider, running_server, running_simulator

PATIENCE = 900.0 if FULL else 120.0
KEY = "a key of at least thirty-two characters"

pytestmark = pytest.mark.timeout(1200 if FULL else 240)


@dataclass(frozen=True)
class Size:
    """How much is at stake: videos, kills, and over how many seconds the videos end."""

    videos: int
    kills: int
    spread: float


SIZE = Size(10_000, 20, 60.0) if FULL else Size(60, 4, 3.0)
SMALLEST = Size(24, 1, 2.0)


@dataclass
class Field:
    """A provider, a receiver that refuses every fifth attempt, and the servers between them."""

    size: Size
    provider: SimulatedProvider
    receiver: Receiver
    hook: str
    bridges: list[BridgeProcess]
    chance: random.Random
    due: set[str]

    async def register(self) -> None:
        """Order all videos and register them, a batch at a time; a batch that got no answer is sent again."""
        ids = []
        for number in range(self.size.videos):
            seconds = self.chance.uniform(0.5, self.size.spread)
            fate = " [fail]" if number % 5 == 0 else ""
            self.provider.simulator.create(f"v [duration={seconds:.1f}]{fate}", video_id=f"video_{number}")
            ids.append(f"video_{number}")
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            for start in range(0, self.size.videos, 500):
                watches = [{"video_id": each, "callback_url": self.hook} for each in ids[start : start + 500]]
                for watch in await self._answered(client, watches):
                    failed = int(watch["video_id"].removeprefix("video_")) % 5 == 0
                    event = EventType.VIDEO_FAILED if failed else EventType.VIDEO_COMPLETED
                    self.due.add(event_id(watch["id"], event))

    async def _answered(self, client: httpx.AsyncClient, watches: list[dict[str, str]]) -> list[dict[str, Any]]:
        while True:
            bridge = self.chance.choice(self.bridges)
            try:
                answer = await client.post(f"{bridge.url}/v1/watches/batch", json={"watches": watches})
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 200:
                return list(answer.json()["data"])
            await asyncio.sleep(0.1)

    async def all_told(self) -> None:
        """Return once each event was accepted."""
        async with asyncio.timeout(PATIENCE):
            while not self.due <= {call.id for call in self.receiver.accepted}:
                await self.receiver.wait_for(len(self.receiver.received) + 1, timeout=PATIENCE)

    def report(self, what: str) -> None:
        """Print and check what came of it."""
        accepted: dict[str, int] = defaultdict(int)
        bodies: dict[str, set[bytes]] = defaultdict(set)
        for call in self.receiver.accepted:
            accepted[call.id] += 1
        for call in self.receiver.received:
            bodies[call.id].add(call.body)
        lost = self.due - set(accepted)
        strange = set(bodies) - self.due
        twice = sum(number - 1 for number in accepted.values())
        differing = sum(len(each) > 1 for each in bodies.values())
        print(
            f"\n{what}: registered {len(self.due)}, told {len(accepted)}, lost {len(lost)}, attempts "
            f"{len(self.receiver.received)}, accepted again {twice}, ids that differ for one event "
            f"{len(strange) + differing}"
        )
        assert (len(self.due), len(lost), len(strange), differing) == (self.size.videos, 0, 0, 0)


@asynccontextmanager
async def field(folder: Path, url: str | None, replicas: int, size: Size = SIZE) -> AsyncIterator[Field]:
    chance = random.Random(23)
    receiver = Receiver(refuse=lambda: Response(status_code=503) if chance.random() < 0.2 else None)
    async with running_simulator(SimulatorSettings(seed=7)) as provider, running_server(receiver.app) as hook:
        given = {
            "OPENAI_BASE_URL": provider.base_url,
            "BRIDGE_POLL_RATE": "1000" if FULL else "100",
            "BRIDGE_POLL_MIN_INTERVAL": "0.3",
            "BRIDGE_POLL_MAX_INTERVAL": "15" if FULL else "1",
            "BRIDGE_DELIVERY_RETRIES": "0.2,0.5,1,1,2,2,2,2,2,2,2,2,2,2",
            # Ten deliveries that time out while this process is held up would shut it out for half a minute and more.
            "BRIDGE_DELIVERY_TIMEOUT": "2" if FULL else "10",
            "BRIDGE_LOG_LEVEL": "critical",
        }
        if url is not None:
            given |= {"BRIDGE_DATABASE_URL": url, "BRIDGE_SECRET_KEY": KEY}
        bridges = [BridgeProcess(folder, free_port(), given) for _ in range(replicas)]
        try:
            await asyncio.gather(*(bridge.start() for bridge in bridges))
            yield Field(size, provider, receiver, f"{hook}/done", bridges, chance, set())
        finally:
            await asyncio.gather(*(bridge.end(signal.SIGKILL) for bridge in bridges))


async def run(what: str, its: Field, harm: Callable[[Field], Awaitable[None]]) -> None:
    """Let harm be done while the videos are registered, end and are told."""
    doing = asyncio.ensure_future(harm(its))
    await its.register()
    await doing
    await its.all_told()
    its.report(what)


async def kill(its: Field) -> None:
    for _ in range(its.size.kills):
        await asyncio.sleep(its.chance.uniform(0.2, its.size.spread / 8))
        bridge = its.chance.choice(its.bridges)
        await bridge.end(signal.SIGKILL)
        await bridge.start()


@pytest.mark.parametrize("size", [pytest.param(SIZE, marks=pytest.mark.system), SMALLEST], ids=["whole", "smallest"])
async def test_killed_again_and_again_it_tells_every_end(tmp_path: Path, size: Size) -> None:
    async with field(tmp_path, None, 1, size) as its:
        await run(f"SQLite, kill -9 {size.kills} times", its, kill)


@pytest.fixture
def url() -> str:
    return postgres.emptied_url()


@pytest.mark.system
async def test_of_three_replicas_one_is_killed_at_a_time(tmp_path: Path, url: str) -> None:
    async with field(tmp_path, url, 3 if FULL else 2) as its:
        await run(f"PostgreSQL, replicas killed {SIZE.kills} times", its, kill)


@pytest.mark.system
async def test_the_database_is_restarted_in_the_middle(tmp_path: Path) -> None:
    server = postgres.start_server_of_its_own()
    await asyncio.to_thread(migrate, server.get_uri())

    async def restart(its: Field) -> None:
        for _ in range(3 if FULL else 1):
            await asyncio.sleep(SIZE.spread / 4)
            await asyncio.to_thread(postgres.stop_server, server)
            await asyncio.sleep(1)
            await asyncio.to_thread(server.ensure_postgres_running)

    try:
        async with field(tmp_path, server.get_uri(), 2) as its:
            await run("PostgreSQL restarted", its, restart)
    finally:
        server.cleanup()


@pytest.mark.system
@pytest.mark.chaos
async def test_a_replica_is_frozen_for_longer_than_its_lease(tmp_path: Path, url: str) -> None:
    async def freeze(its: Field) -> None:
        await asyncio.sleep(5)
        os.kill(its.bridges[0].pid, signal.SIGSTOP)
        await asyncio.sleep(70)
        os.kill(its.bridges[0].pid, signal.SIGCONT)

    async with field(tmp_path, url, 2) as its:
        await run("PostgreSQL, one of two frozen for 70 s", its, freeze)
