from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from bridge.metrics import Metrics
from bridge.models import ProviderStanding, ProviderState
from bridge.settings import ProviderSettings
from bridge.web.application import create_web
from bridge.web.health import Readiness
from tests.web.conftest import asking
from tests.web.fakes import FakeRegistry

OPENAI = ProviderSettings(
    name="openai", base_url="https://api.openai.com/v1", api_key=SecretStr("sk-private"), query={"key": "private"}
)


@pytest.fixture
async def client(registry: FakeRegistry, readiness: Readiness) -> httpx.AsyncClient:
    return asking(create_web(registry, Metrics(), readiness, providers={"openai": OPENAI}))


async def test_a_provider_is_shown_with_how_it_stands(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/providers")
    assert answer.json() == {
        "object": "list",
        "data": [
            {
                "name": "openai",
                "base_url": "https://api.openai.com/v1",
                "state": "paused",
                "since": 90,
                "reason": "the provider refuses our key (401)",
                "rate": 20.0,
                "videos_in_flight": 2,
            }
        ],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


async def test_one_that_was_never_asked_has_no_history(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.standing = ProviderStanding(ProviderState.OK, None, None, 0)
    (shown,) = (await client.get("/v1/providers")).json()["data"]
    assert (shown["state"], shown["since"], shown["reason"]) == ("ok", None, None)


async def test_nothing_secret_is_shown(client: httpx.AsyncClient) -> None:
    assert "private" not in (await client.get("/v1/providers")).text


async def test_the_list_takes_no_query(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/providers?limit=5")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "limit")
