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
        "first_id": "openai",
        "last_id": "openai",
        "has_more": False,
    }


async def test_one_that_was_never_asked_has_no_history(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.standing = ProviderStanding(ProviderState.OK, None, None, 0)
    (shown,) = (await client.get("/v1/providers")).json()["data"]
    assert (shown["state"], shown["since"], shown["reason"]) == ("ok", None, None)


async def test_nothing_secret_is_shown(client: httpx.AsyncClient) -> None:
    assert "private" not in (await client.get("/v1/providers")).text


NAMES = ["openai", "azure", "farm"]


@pytest.fixture
async def many(registry: FakeRegistry, readiness: Readiness) -> httpx.AsyncClient:
    configured = {name: ProviderSettings(name=name, base_url=f"https://{name}.example/v1") for name in NAMES}
    return asking(create_web(registry, Metrics(), readiness, providers=configured))


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_the_list_is_read_page_by_page_like_any_other(many: httpx.AsyncClient, order: str) -> None:
    first = (await many.get(f"/v1/providers?limit=2&order={order}")).json()
    then = (await many.get(f"/v1/providers?limit=2&order={order}&after={first['last_id']}")).json()
    assert (first["has_more"], then["has_more"]) == (True, False)
    shown = [each["name"] for each in (*first["data"], *then["data"])]
    assert shown == (NAMES if order == "desc" else NAMES[::-1])
    beyond = (await many.get(f"/v1/providers?order={order}&after={shown[-1]}")).json()
    assert (beyond["data"], beyond["first_id"], beyond["has_more"]) == ([], None, False)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "after=nobody", "order=up", "state=ok"])
async def test_what_cannot_be_asked_is_refused_by_its_name(many: httpx.AsyncClient, query: str) -> None:
    answer = await many.get(f"/v1/providers?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.split("=")[0])
