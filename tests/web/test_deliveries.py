from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from bridge.models import DeliveryStatus, PageRequest
from bridge.registry import DeliveryFilter, RetryFilter
from tests.web.fakes import DELIVERY, DELIVERY_ID, WATCH_ID, FakeRegistry


async def test_a_delivery_is_shown_with_its_attempts_and_its_body(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/deliveries/{DELIVERY_ID}")
    assert answer.json() == {
        "id": DELIVERY_ID,
        "object": "delivery",
        "watch_id": WATCH_ID,
        "event_id": "evt_1",
        "event_type": "video.completed",
        "status": "failed",
        "destination": {"id": "dest_1", "name": None, "kind": "callback", "url": "https://example.com/hook"},
        "created_at": 150,
        "next_attempt_at": None,
        "delivered_at": None,
        "reason": "gone",
        "degraded": False,
        "attempts": [
            {
                "number": 1,
                "at": 150,
                "duration_ms": 12,
                "outcome": "failed",
                "reason": "gone",
                "status": 410,
                "response": "bye",
                "trigger": "schedule",
            }
        ],
        "request_body": '{"id":"evt_1"}',
    }


async def test_a_list_shows_attempts_but_no_bodies(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/deliveries")).json()
    assert (answer["first_id"], answer["has_more"]) == (DELIVERY_ID, False)
    assert answer["data"][0]["attempts"][0]["number"] == 1
    assert "request_body" not in answer["data"][0]


async def test_a_list_is_filtered_as_asked(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    await client.get("/v1/deliveries?status=failed&watch_id=watch_1&destination=team-slack&after=dlv_gone")
    assert registry.filter == DeliveryFilter(DeliveryStatus.FAILED, "watch_1", "team-slack")
    assert registry.page == PageRequest(20, "dlv_gone", descending=True)


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("POST", "/retry")])
@pytest.mark.parametrize("delivery_id", ["dlv_unknown", "watch_1", "dlv_%00"])
async def test_an_unknown_delivery_is_not_found(
    client: httpx.AsyncClient, method: str, tail: str, delivery_id: str
) -> None:
    answer = await client.request(method, f"/v1/deliveries/{delivery_id}{tail}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "id")


@pytest.mark.parametrize("content", [b"", b"{}", b" \n"])
async def test_a_retry_is_accepted(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post(f"/v1/deliveries/{DELIVERY_ID}/retry", content=content)
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["next_attempt_at"]) == ("pending", 160)


async def test_a_retry_takes_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/v1/deliveries/{DELIVERY_ID}/retry", json={"now": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_field")


async def test_a_cancelled_delivery_is_not_sent(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.told[DELIVERY_ID] = replace(DELIVERY, status=DeliveryStatus.CANCELLED)
    answer = await client.post(f"/v1/deliveries/{DELIVERY_ID}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cancelled")


async def test_failed_deliveries_are_retried_together(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    body = {"status": "failed", "since": 1763866400, "destination": "team-slack"}
    answer = await client.post("/v1/deliveries/retry", json=body)
    assert (answer.status_code, answer.json()) == (200, {"retried": 1})
    assert registry.filter == RetryFilter(since=1763866400, destination="team-slack")


@pytest.mark.parametrize(
    ("body", "param"),
    [({"status": "pending"}, "status"), ({"since": -1}, "since"), ({"since": 1.5}, "since"), ({"until": 1}, "until")],
)
async def test_a_filter_that_is_none_is_refused(client: httpx.AsyncClient, body: object, param: str) -> None:
    answer = await client.post("/v1/deliveries/retry", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
