"""The API over the real registry and a real SQLite file; nothing is faked but the network between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import open_bridge
from bridge.settings import load_settings
from tests.parts import database_url
from tests.web.conftest import asking

BODY = {"video_id": "video_abc", "callback_url": "https://example.com/hook?token=private"}


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    environ = {"BRIDGE_DATABASE_URL": database_url(tmp_path)}
    async with open_bridge(load_settings(environ, None)) as bridge, asking(bridge.web) as client:
        yield client


async def register(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/v1/watches", json={**BODY, **fields})
    assert answer.status_code == 201, answer.text
    watch: dict[str, Any] = answer.json()
    return watch


async def test_a_watch_is_registered_shown_and_cancelled(real: httpx.AsyncClient) -> None:
    watch = await register(real, metadata={"campaign": "spring"})
    assert (watch["destinations"][0]["url"], watch["status"]) == ("https://example.com/hook", "watching")
    shown = (await real.get(f"/v1/watches/{watch['id']}")).json()
    assert watch["destinations"][0].pop("signing_secret").startswith("whsec_")
    assert shown == watch
    assert (await real.delete(f"/v1/watches/{watch['id']}")).json()["status"] == "cancelled"


async def test_registering_again_is_the_same_watch(real: httpx.AsyncClient) -> None:
    watch = await register(real)
    again = await real.post(
        "/v1/watches",
        json={
            "video_id": BODY["video_id"],
            "destinations": [{"kind": "callback", "url": BODY["callback_url"]}],
            "timeout": 60,
        },
    )
    assert (again.status_code, again.json()) == (200, watch)


async def test_a_key_of_other_content_is_a_conflict(real: httpx.AsyncClient) -> None:
    await register(real, key="k1")
    answer = await real.post("/v1/watches", json={**BODY, "video_id": "other"}, headers={"idempotency-key": "k1"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (409, "key")


async def test_pages_follow_each_other_both_ways(real: httpx.AsyncClient) -> None:
    made = [(await register(real, video_id=f"v{number}"))["id"] for number in range(5)]
    for order, expected in (("desc", made[::-1]), ("asc", made)):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2, "order": order}
        more = True
        while more:
            page = (await real.get("/v1/watches", params=query)).json()
            seen += [watch["id"] for watch in page["data"]]
            query["after"], more = page["last_id"], page["has_more"]
        assert seen == expected


async def test_lists_are_filtered(real: httpx.AsyncClient) -> None:
    first = await register(real, video_id="v1", metadata={"a b": "1", 'q"%': "ü"})
    await register(real, video_id="v2", metadata={"a b": "2"})
    for query in ("video_id=v1", "metadata[a%20b]=1", "metadata[q%22%25]=%C3%BC&status=watching&provider=openai"):
        found = (await real.get(f"/v1/watches?{query}")).json()["data"]
        assert [watch["id"] for watch in found] == [first["id"]], query


async def test_a_batch_keeps_its_order_and_its_errors(real: httpx.AsyncClient) -> None:
    entries = [{**BODY, "video_id": "v1"}, {"video_id": "v2"}, {**BODY, "provider": "nobody"}, {**BODY, "video_id": 3}]
    data = (await real.post("/v1/watches/batch", json={"watches": entries})).json()["data"]
    assert data[0]["video_id"] == "v1"
    assert [each["error"]["param"] for each in data[1:]] == ["destinations", "provider", "video_id"]


async def test_a_thousand_are_one_batch(real: httpx.AsyncClient) -> None:
    entries = [{**BODY, "video_id": f"v{number}"} for number in range(1000)]
    answer = await real.post("/v1/watches/batch", json={"watches": entries})
    assert [watch["video_id"] for watch in answer.json()["data"]] == [entry["video_id"] for entry in entries]


async def test_waiting_ends_when_the_watch_is_cancelled(real: httpx.AsyncClient) -> None:
    watch = await register(real)
    asked = asyncio.create_task(real.get(f"/v1/watches/{watch['id']}?wait=60"))
    while not (await asyncio.wait({asked}, timeout=0.01))[0]:
        await real.delete(f"/v1/watches/{watch['id']}")
    assert (await asked).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    "destination",
    [{"kind": "callback", "url": "https://169.254.169.254/"}, {"kind": "callback", "url": "nonsense"}, "nobody"],
)
async def test_a_destination_that_cannot_be_is_named(real: httpx.AsyncClient, destination: object) -> None:
    answer = await real.post("/v1/watches", json={"video_id": "v", "destinations": [destination]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith("destinations[0]")


async def test_lists_of_deliveries_begin_empty(real: httpx.AsyncClient) -> None:
    assert (await real.get("/v1/deliveries?status=failed&destination=nobody")).json()["data"] == []
    assert (await real.post("/v1/deliveries/retry", json={})).json() == {"retried": 0}


async def test_metrics_count_the_rows(real: httpx.AsyncClient) -> None:
    await register(real)
    lines = (await real.get("/metrics")).text.splitlines()
    assert 'bridge_watches{status="watching"} 1.0' in lines
    assert 'bridge_videos_in_flight{provider="openai"} 1.0' in lines


async def test_readiness_asks_the_database(real: httpx.AsyncClient) -> None:
    report: dict[str, Any] = {"database": False}
    while not report["database"]:  # it is not waited for as long as a busy machine may take
        report = (await real.get("/readyz")).json()
    assert report["status"] == "starting"
    assert set(report["loops"]) == {"poller", "sweeper", "sender", "upkeep"}
