"""Every route, and what is no route: whatever is sent, no fault of ours, nothing slow, and no memory lost.

`make test` sends some hundreds of requests, `make fuzz` more than twenty thousand. What took longer than a second is
asked for again, alone, three times: it fails only if it is slow then, too. So a busy machine fails nothing, and what is
slow by itself fails always.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.fuzz import FULL
from tests.fuzz.driving import Answers, FuzzedServer, fuzzed_server, send_all, still_slow
from tests.fuzz.making import STEADY, MadeUp, garbage, requests
from tests.ports import free_port
from tests.servers import running_server, running_simulator

BATCHES = 800 if FULL else 6
BATCH = 24
SEED = int(os.environ.get("BRIDGE_TEST_FUZZ_SEED", "1"))

MOST_GROWTH = 64 * 1024 * 1024
"""How much the process may grow after the first tenth of all requests, bytes: the page caches of sixteen connections
to SQLite fill meanwhile, two megabytes each."""

pytestmark = pytest.mark.timeout(3600)


async def _taken(scope: Scope, receive: Receive, send: Send) -> None:
    """A receiver that takes everything."""
    if scope["type"] == "http":
        await Response(status_code=204)(scope, receive, send)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedServer]:
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        hook = stack.enter_context(portal.wrap_async_context_manager(running_server(_taken)))
        provider = stack.enter_context(portal.wrap_async_context_manager(running_simulator()))
        provider.simulator.create("a cat [duration=0]", video_id="done")
        provider.simulator.create("a dog [duration=3600]", video_id="waits")
        environ = {"OPENAI_BASE_URL": provider.base_url, "BRIDGE_CALLBACK_URL": hook}
        server = stack.enter_context(fuzzed_server(tmp_path_factory.mktemp("fuzz"), free_port(), environ))
        yield server


@pytest.fixture(scope="module")
def ids(server: FuzzedServer) -> list[str]:
    """Ids that are there: of a watch that waits, of one that ended, of a delivery, of a destination."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        for name in (STEADY, "team-slack"):  # that of the examples, so that some of them are taken
            stored = {"name": name, "kind": "callback", "url": "http://127.0.0.1:9/"}
            assert client.post("/v1/destinations", json=stored).status_code == 201
        watches = [client.post("/v1/watches", json={"video_id": video}).json() for video in ("done", "waits")]
        client.get(f"/v1/watches/{watches[0]['id']}", params={"wait": 20})
        delivery = client.get("/v1/deliveries").json()["data"][0]["id"]
    return [*(watch["id"] for watch in watches), delivery, watches[0]["destinations"][0]["id"]]


def send_batches(server: FuzzedServer, made: st.SearchStrategy[MadeUp], batches: int, what: str) -> None:
    """Send so many batches and judge what came back."""
    answers, memory = Answers(), [server.memory()]

    @seed(SEED)
    @settings(max_examples=batches, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(batch=st.lists(made, min_size=BATCH, max_size=BATCH))
    def batch_after_batch(batch: list[MadeUp]) -> None:
        asyncio.run(send_all(server, batch, answers))
        assert answers.wrong == []
        if answers.number <= batches * BATCH / 10:
            memory[0] = server.memory()

    batch_after_batch()
    grown = server.memory() - memory[0]
    print(
        f"\n{what}: {answers.number} requests, answers {json.dumps(dict(sorted(answers.statuses.items())))}, "
        f"slowest {answers.slowest:.2f} s, {len(answers.slow)} over a second, grown by {grown / 2**20:.1f} MiB"
    )
    assert answers.number >= batches * BATCH
    assert still_slow(server, answers.slow) == []
    assert grown < MOST_GROWTH
    assert server.errors() == []
    assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200


def test_made_up_requests_find_no_fault(server: FuzzedServer, ids: list[str]) -> None:
    send_batches(server, requests(ids), BATCHES, "routes")


def test_broken_bytes_find_no_fault(server: FuzzedServer) -> None:
    send_batches(server, garbage(), BATCHES // 5, "bytes")


@pytest.mark.fuzz
def test_a_server_with_keys_is_no_weaker(tmp_path: Path) -> None:
    key = "fuzzing-key-0123456789"
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "BRIDGE_API_KEYS": f"fuzz:{key}"}
    right = requests([], [(b"Authorization", f"Bearer {key}".encode())])
    with fuzzed_server(tmp_path, free_port(), environ) as server:
        send_batches(server, right | requests([]), BATCHES // 10, "with keys")
