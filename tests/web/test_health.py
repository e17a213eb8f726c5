from __future__ import annotations

import asyncio

import httpx
import pytest

from bridge.errors import StoreError, StoreUnavailableError
from bridge.metrics import Metrics
from bridge.web.application import create_web
from bridge.web.health import Phase, Readiness
from tests.web.conftest import asking, database_answers
from tests.web.fakes import FakeRegistry


def alive() -> bool:
    return True


async def ready_answer(readiness: Readiness) -> httpx.Response:
    async with asking(create_web(FakeRegistry(), Metrics(), readiness)) as client:
        return await client.get("/readyz")


async def test_liveness_is_always_ok(client: httpx.AsyncClient, registry: FakeRegistry, readiness: Readiness) -> None:
    registry.away = True
    readiness.stop()
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_not_ready_while_it_starts() -> None:
    answer = await ready_answer(Readiness({"poller": alive}, database_answers))
    assert answer.status_code == 503
    assert answer.json() == {"status": "starting", "loops": {"poller": True}, "database": True}


async def test_it_is_ready_once_everything_runs() -> None:
    readiness = Readiness({"poller": alive, "sender": alive}, database_answers)
    readiness.ready()
    answer = await ready_answer(readiness)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "loops": {"poller": True, "sender": True}, "database": True}


async def test_it_is_not_ready_while_it_stops_whoever_says_so_later() -> None:
    readiness = Readiness({}, database_answers)
    readiness.stop()
    readiness.ready()
    answer = await ready_answer(readiness)
    assert (answer.status_code, answer.json()["status"]) == (503, "stopping")


async def test_a_dead_loop_is_not_ready() -> None:
    readiness = Readiness({"poller": alive, "sender": lambda: False}, database_answers)
    readiness.ready()
    answer = await ready_answer(readiness)
    assert (answer.status_code, answer.json()["loops"]) == (503, {"poller": True, "sender": False})


@pytest.mark.parametrize("error", [StoreUnavailableError("locked"), StoreError("odd")])
async def test_a_database_that_is_away_shows_and_changes_nothing(error: StoreError) -> None:
    async def ping() -> None:
        raise error

    readiness = Readiness({"poller": alive}, ping)
    readiness.ready()
    answer = await ready_answer(readiness)
    assert (answer.status_code, answer.json()["database"]) == (200, False)


async def test_a_database_that_hangs_is_away() -> None:
    async def ping() -> None:
        await asyncio.Event().wait()

    readiness = Readiness({}, ping, patience=0.01)
    assert not (await readiness.report()).database


async def test_whoever_waits_for_the_stop_is_told() -> None:
    readiness = Readiness({}, database_answers)
    waiting = asyncio.create_task(readiness.stopped())
    await asyncio.sleep(0)
    assert not waiting.done()
    readiness.stop()
    await waiting
    assert readiness.phase is Phase.STOPPING
