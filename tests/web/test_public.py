from __future__ import annotations

import httpx
from structlog.testing import capture_logs

from tests.web.fakes import FakeRegistry


async def test_metrics_show_what_the_database_holds(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'bridge_watches{status="watching"} 3.0',
        'bridge_videos_in_flight{provider="openai"} 2.0',
        'bridge_deliveries{status="failed"} 5.0',
        'bridge_provider_state{provider="openai",state="paused"} 1.0',
        "bridge_outbox_oldest_seconds 7.5",
        "bridge_targets_disabled 1.0",
    ):
        assert line in answer.text.splitlines()


async def test_metrics_need_no_database(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.away = True
    with capture_logs() as records:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert 'bridge_watches{status="watching"} 0.0' in answer.text
    assert "metrics_without_database" in [record["event"] for record in records]


async def test_the_document_is_served_as_it_is_printed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["openapi"] == "3.1.0"
