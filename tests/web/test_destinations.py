from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.models import PageRequest
from tests.web.conftest import WRITER, bearer
from tests.web.fake_destinations import DESTINATION_ID, STORED
from tests.web.fakes import FakeRegistry

ONE = "/v1/destinations/team"
NEW = {"name": "queue", "kind": "callback", "url": "https://example.com/hook"}


async def test_a_destination_is_shown_with_the_fields_of_the_contract(client: httpx.AsyncClient) -> None:
    assert (await client.get(ONE)).json() == {
        "object": "destination",
        "id": DESTINATION_ID,
        "name": "team",
        "kind": "callback",
        "url": "https://example.com/hook",
        "events": ["video.completed", "video.failed", "watch.lost", "watch.timed_out"],
        "default": False,
        "enabled": True,
        "disabled_reason": None,
        "fallback": None,
        "created_at": 100,
    }


async def test_a_new_one_is_created_with_its_place_and_its_secret(
    keyed: httpx.AsyncClient, registry: FakeRegistry
) -> None:
    answer = await keyed.post("/v1/destinations", json=NEW, headers=bearer(WRITER))
    assert (answer.status_code, answer.headers["location"]) == (201, "/v1/destinations/queue")
    assert answer.json()["signing_secret"] == "whsec_shown"
    assert registry.destinations.created_by == "ci"


async def test_a_list_is_asked_for_page_by_page(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    answer = await client.get("/v1/destinations?limit=5&order=asc&after=dest_gone")
    assert (answer.json()["first_id"], answer.json()["has_more"]) == (DESTINATION_ID, False)
    assert registry.destinations.page_asked == PageRequest(5, "dest_gone", descending=False)


async def test_a_list_shows_no_secret(client: httpx.AsyncClient) -> None:
    (shown,) = (await client.get("/v1/destinations")).json()["data"]
    assert "signing_secret" not in shown


async def test_a_change_holds_what_was_given_and_nothing_else(
    client: httpx.AsyncClient, registry: FakeRegistry
) -> None:
    answer = await client.patch(ONE, json={"from": "b@example.com", "template": None, "enabled": True})
    assert answer.status_code == 200
    assert registry.destinations.change is not None
    assert registry.destinations.change.given() == {"from": "b@example.com", "template": None, "enabled": True}


@pytest.mark.parametrize(("query", "forced"), [("", False), ("?force=false", False), ("?force=true", True)])
async def test_one_is_deleted_with_or_without_force(
    client: httpx.AsyncClient, registry: FakeRegistry, query: str, forced: bool
) -> None:
    answer = await client.delete(f"{ONE}{query}")
    assert answer.json() == {"id": DESTINATION_ID, "object": "destination", "deleted": True}
    assert registry.destinations.forced is forced


async def test_a_test_shows_what_came_of_it(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{ONE}/test")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "number": 1,
            "at": 150,
            "duration_ms": 12,
            "outcome": "failed",
            "reason": "client_error",
            "status": 404,
            "response": "no such hook",
            "trigger": "test",
        },
    )


async def test_a_rotation_shows_the_new_secret(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{ONE}/rotate", content=b"{}")
    assert (answer.status_code, answer.json()["signing_secret"]) == (200, "whsec_new")


@pytest.mark.parametrize(
    ("method", "tail", "sent", "status", "param"),
    [
        ("GET", "?verbose=1", {}, 400, "verbose"),
        ("DELETE", "?force=yes", {}, 400, "force"),
        ("DELETE", "?force", {}, 400, "force"),
        ("PATCH", "", {"json": {"colour": "red"}}, 400, "colour"),
        ("PATCH", "", {"json": []}, 400, None),
        ("PATCH", "", {"content": b"enabled=true"}, 415, None),
        ("POST", "/test", {"json": {"event": "video.failed"}}, 400, None),
        ("POST", "/rotate", {"json": {"secret": "mine"}}, 400, None),
        ("PUT", "", {"json": {}}, 405, None),
    ],
)
async def test_what_a_route_does_not_take_is_refused(
    client: httpx.AsyncClient, method: str, tail: str, sent: dict[str, Any], status: int, param: str | None
) -> None:
    answer = await client.request(method, f"{ONE}{tail}", **sent)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_the_place_after_which_a_list_goes_on_is_an_id(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/destinations?after=team")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "after")


async def test_what_can_be_no_name_is_not_asked_for(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.destinations.known["Odd Name"] = STORED
    answer = await client.get("/v1/destinations/Odd%20Name")
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "destination")
