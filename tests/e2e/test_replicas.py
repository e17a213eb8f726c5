"""Several servers on one PostgreSQL: they share the work, wake each other, and outlive a restart of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.app import Role
from bridge.errors import ConfigurationError
from bridge.simulator import SimulatorSettings
from bridge.store import migrate
from tests import postgres
from tests.harness import bridge_settings, serving
from tests.receiver import Receiver
from tests.servers import SimulatedProvider, running_server, running_simulator

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

KEY = "a key of at least thirty-two characters"


@pytest.fixture
async def provider() -> AsyncIterator[SimulatedProvider]:
    async with running_simulator(SimulatorSettings(duration=3600)) as running:
        yield running


@pytest.fixture
def url() -> str:
    return postgres.emptied_url()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


def settings(folder: Path, provider: SimulatedProvider, url: str, **environ: str) -> Any:
    given = {"BRIDGE_DATABASE_URL": url, "BRIDGE_SECRET_KEY": KEY, "BRIDGE_DELIVERY_RETRIES": "0.2,0.2,0.5,1,1,1"}
    return bridge_settings(folder, provider.base_url, **given | environ)


async def register(client: httpx.AsyncClient, bridge: str, video_id: str, hook: str) -> dict[str, Any]:
    answer = await client.post(f"{bridge}/v1/watches", json={"video_id": video_id, "callback_url": hook})
    assert answer.status_code == 201, answer.text
    watch: dict[str, Any] = answer.json()
    return watch


async def test_who_waits_at_one_replica_hears_what_another_one_saw(
    tmp_path: Path, provider: SimulatedProvider, client: httpx.AsyncClient, url: str
) -> None:
    provider.simulator.create("a cat", video_id="video_1")
    config = settings(tmp_path, provider, url)
    async with serving(config, {Role.API}) as door, serving(config, {Role.POLLER, Role.SENDER}):
        watch = await register(client, door, "video_1", "http://127.0.0.1:9/nobody")
        waiting = asyncio.create_task(client.get(f"{door}/v1/watches/{watch['id']}?wait=30"))
        await provider.simulator.until(lambda: provider.simulator.retrieves["video_1"] > 1)
        provider.simulator.end("video_1")
        assert (await waiting).json()["status"] == "completed"


async def test_who_listens_at_one_replica_hears_what_another_one_saw(
    tmp_path: Path, provider: SimulatedProvider, client: httpx.AsyncClient, url: str
) -> None:
    provider.simulator.create("a cat", video_id="video_1")
    config = settings(tmp_path, provider, url)
    async with serving(config, {Role.API}) as door, serving(config, {Role.POLLER, Role.SENDER}):
        watch = await register(client, door, "video_1", "http://127.0.0.1:9/nobody")
        async with client.stream("GET", f"{door}/v1/watches/{watch['id']}/stream") as stream:
            heard = []
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    heard.append(line.removeprefix("event: "))
                if len(heard) == 1 and line.startswith("data: "):
                    provider.simulator.end("video_1")
    assert (heard[0], heard[-1]) == ("progress", "ended")


async def test_each_role_can_be_a_process_of_its_own(
    tmp_path: Path, provider: SimulatedProvider, client: httpx.AsyncClient, url: str
) -> None:
    receiver = Receiver()
    provider.simulator.create("a cat [duration=0]", video_id="video_1")
    config = settings(tmp_path, provider, url)
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(running_server(receiver.app))
        api, poller, sender = [
            await stack.enter_async_context(serving(config, {role})) for role in (Role.API, Role.POLLER, Role.SENDER)
        ]
        loops = [(await client.get(f"{each}/readyz")).json()["loops"] for each in (api, poller, sender)]
        assert [sorted(set(each) - {"upkeep", "herald"}) for each in loops] == [[], ["poller", "sweeper"], ["sender"]]
        assert (await client.get(f"{sender}/v1/watches")).status_code == 404
        assert (await client.get(f"{sender}/metrics")).status_code == 200
        await register(client, api, "video_1", f"{hook}/done")
        assert (await receiver.wait_for(1))[0].json["type"] == "video.completed"


async def test_three_replicas_tell_each_end_once_or_more_and_never_differently(
    tmp_path: Path, provider: SimulatedProvider, client: httpx.AsyncClient, url: str
) -> None:
    receiver = Receiver()
    config = settings(tmp_path, provider, url)
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(running_server(receiver.app))
        bridges = [await stack.enter_async_context(serving(config)) for _ in range(3)]
        for number in range(30):
            provider.simulator.create("a cat [duration=0.3]", video_id=f"video_{number}")
            await register(client, bridges[number % 3], f"video_{number}", f"{hook}/done")
        await receiver.wait_for(30, timeout=60)
    assert len({call.id for call in receiver.received}) == 30
    assert len(receiver.received) == 30


async def test_replicas_that_start_at_once_do_not_collide(
    tmp_path: Path, provider: SimulatedProvider, url: str, client: httpx.AsyncClient
) -> None:
    config = settings(tmp_path, provider, url, BRIDGE_CALLBACK_URL="http://127.0.0.1:9/default")
    async with AsyncExitStack() as stack:
        bridges = await asyncio.gather(*(stack.enter_async_context(serving(config)) for _ in range(3)))
        listed = [(await client.get(f"{each}/v1/destinations")).json()["data"] for each in bridges]
    assert [len(each) for each in listed] == [1, 1, 1]


async def test_a_replica_with_another_key_is_refused(tmp_path: Path, provider: SimulatedProvider, url: str) -> None:
    async with serving(settings(tmp_path, provider, url)):
        pass
    other = settings(tmp_path, provider, url, BRIDGE_SECRET_KEY="another key of thirty-two characters")
    with pytest.raises(ConfigurationError, match="BRIDGE_SECRET_KEY: the key does not fit the database"):
        async with serving(other):
            pass


async def test_a_database_without_the_schema_is_refused_with_the_command(
    tmp_path: Path, provider: SimulatedProvider
) -> None:
    with pytest.raises(ConfigurationError, match="Run `video-bridge migrate` once"):
        async with serving(settings(tmp_path, provider, postgres.new_database("bridge_bare"))):
            pass


async def test_on_sqlite_the_work_is_not_split(tmp_path: Path, provider: SimulatedProvider) -> None:
    with pytest.raises(ConfigurationError, match="--roles: on SQLite one process does everything"):
        async with serving(bridge_settings(tmp_path, provider.base_url), {Role.API}):
            pass


@pytest.fixture
def server() -> Iterator[Any]:
    """A PostgreSQL of the test's own, to be stopped and started."""
    server = postgres.start_server_of_its_own()
    yield server
    server.cleanup()


async def test_a_restart_of_the_database_costs_nothing_but_time(
    tmp_path: Path, provider: SimulatedProvider, client: httpx.AsyncClient, server: Any
) -> None:
    receiver = Receiver()
    await asyncio.to_thread(migrate, server.get_uri())
    config = settings(tmp_path, provider, server.get_uri())
    async with running_server(receiver.app) as hook, serving(config) as bridge:
        with capture_logs() as logs:
            for number in range(10):
                provider.simulator.create("a cat", video_id=f"video_{number}")
                await register(client, bridge, f"video_{number}", f"{hook}/done")
            await asyncio.to_thread(postgres.stop_server, server)
            away = await client.post(f"{bridge}/v1/watches", json={"video_id": "x", "callback_url": f"{hook}/done"})
            ready = await client.get(f"{bridge}/readyz")
            for number in range(10):
                provider.simulator.end(f"video_{number}")
            await asyncio.to_thread(server.ensure_postgres_running)
            await receiver.wait_for(10, timeout=90)
    assert (away.status_code, away.json()["error"]["code"]) == (503, "database_away")
    assert "cannot be reached" in away.json()["error"]["message"]
    assert (ready.status_code, ready.json()["database"]) == (200, False)
    assert len({call.id for call in receiver.received}) == 10
    assert len([each for each in logs if each["event"] == "database_away"]) < 10
