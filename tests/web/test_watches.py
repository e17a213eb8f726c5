from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bridge.models import PageRequest, VideoStatus, WatchStatus
from bridge.registry import WatchFilter
from bridge.web.health import Readiness
from tests.web.fakes import ENDED, OUTLOOK, WATCH, WATCH_ID, FakeRegistry

BODY = {"video_id": "video_abc", "callback_url": "https://example.com/hook"}


def problem(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, param and code of a refusal, which has the usual shape."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["param"], error["code"]


async def test_a_registration_is_answered_with_the_new_watch(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/watches", json=BODY)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/watches/{WATCH_ID}"
    assert answer.json() == {
        "id": WATCH_ID,
        "object": "watch",
        "status": "watching",
        "video_id": "video_abc",
        "provider": "openai",
        "key": "k",
        "video": None,
        "destinations": [{**_destination(None), "signing_secret": "whsec_shown"}, _destination("stored")],
        "metadata": {"campaign": "spring"},
        "created_at": 100,
        "created_by": None,
        "expires_at": 200,
        "ended_at": None,
        "reason": None,
        "deliveries": {"pending": 0, "delivered": 0, "failed": 0, "cancelled": 0},
    }


def _destination(name: str | None) -> dict[str, Any]:
    return {
        "id": "dest_1",
        "name": name,
        "kind": "callback",
        "url": "https://example.com/hook",
        "events": ["video.completed", "video.failed", "watch.lost", "watch.timed_out"],
        "enabled": True,
    }


async def test_registering_again_is_answered_with_200(client: httpx.AsyncClient) -> None:
    await client.post("/v1/watches", json=BODY)
    assert (await client.post("/v1/watches", json=BODY)).status_code == 200


async def test_answers_with_secrets_are_not_to_be_stored(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/watches", json=BODY)
    assert answer.headers["cache-control"] == "no-store"


async def test_the_header_is_the_key(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    await client.post("/v1/watches", json=BODY, headers={"Idempotency-Key": "again"})
    assert registry.bodies[0].key == "again"


async def test_a_key_in_the_header_may_be_any_text(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    await client.post("/v1/watches", json=BODY, headers={b"Idempotency-Key": "frühling".encode()})
    assert registry.bodies[0].key == "frühling"


async def test_the_same_key_twice_is_fine(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    await client.post("/v1/watches", json={**BODY, "key": "k1"}, headers={"Idempotency-Key": "k1"})
    assert registry.bodies[0].key == "k1"


@pytest.mark.parametrize(
    "headers", [[("idempotency-key", "k2")], [("idempotency-key", "k1"), ("idempotency-key", "k2")]]
)
async def test_two_different_keys_are_refused(client: httpx.AsyncClient, headers: list[tuple[str, str]]) -> None:
    answer = await client.post("/v1/watches", json={**BODY, "key": "k1"}, headers=headers)
    assert problem(answer) == (400, "key", "ambiguous_key")


@pytest.mark.parametrize("key", [b"", b"\xff", b"k" * 256, "a\u2028b".encode()])
async def test_a_header_that_is_no_key_is_refused(client: httpx.AsyncClient, key: bytes) -> None:
    answer = await client.post("/v1/watches", json=BODY, headers={b"Idempotency-Key": key})
    assert problem(answer) == (400, "Idempotency-Key", "invalid_value")


async def test_a_key_has_only_printable_characters(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/watches", json={**BODY, "key": "a\nb"})
    assert problem(answer) == (400, "key", "invalid_text")


async def test_a_key_of_other_content_is_a_conflict(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.taken.add("k1")
    answer = await client.post("/v1/watches", json={**BODY, "key": "k1"})
    assert problem(answer) == (409, "key", "key_reused")
    assert answer.json()["error"]["type"] == "conflict_error"


async def test_a_batch_is_answered_in_order(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.taken.add("taken")
    entries = [{"video_id": "one"}, {"video": "two"}, {"video_id": "three", "key": "taken"}, 4, {"video_id": "five"}]
    answer = await client.post("/v1/watches/batch", json={"watches": entries})
    assert answer.status_code == 200
    assert answer.json()["object"] == "list"
    shown = [each.get("video_id") or each["error"]["code"] for each in answer.json()["data"]]
    assert shown == ["one", "missing", "key_reused", "invalid_type", "five"]


@pytest.mark.parametrize(
    ("entry", "param"),
    [
        ({"video_id": "a\x00b"}, "video_id"),
        ({"video_id": "a", "metadata": {"k": "\ud800"}}, "metadata.k"),
        ({"video_id": "a", "key": "\t"}, "key"),
    ],
)
async def test_text_that_cannot_be_stored_spoils_only_its_own_entry(
    client: httpx.AsyncClient, entry: dict[str, Any], param: str
) -> None:
    raw = json.dumps({"watches": [entry, {"video_id": "good"}]})
    answer = await client.post("/v1/watches/batch", content=raw, headers={"content-type": "application/json"})
    first, second = answer.json()["data"]
    assert (first["error"]["param"], first["error"]["code"]) == (param, "invalid_text")
    assert second["video_id"] == "good"


async def test_a_batch_of_nothing_usable_asks_nothing_of_the_registry(
    client: httpx.AsyncClient, registry: FakeRegistry
) -> None:
    registry.broken = True
    answer = await client.post("/v1/watches/batch", json={"watches": [{}]})
    assert answer.json()["data"][0]["error"]["param"] == "video_id"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ([], None, "invalid_type"),
        ({}, "watches", "missing"),
        ({"watches": []}, "watches", "too_short"),
        ({"watches": [{}] * 1001}, "watches", "too_long"),
        ({"watches": {}}, "watches", "invalid_type"),
        ({"watches": [{}], "provider": "x"}, "provider", "unknown_field"),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(
    client: httpx.AsyncClient, body: object, param: str | None, code: str
) -> None:
    assert problem(await client.post("/v1/watches/batch", json=body)) == (400, param, code)


async def test_a_list_shows_its_ends(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.known["watch_2"] = WATCH._replace(id="watch_2")
    answer = (await client.get("/v1/watches?limit=1")).json()
    assert {name: answer[name] for name in answer if name != "data"} == {
        "object": "list",
        "first_id": WATCH_ID,
        "last_id": WATCH_ID,
        "has_more": True,
    }
    assert [each["id"] for each in answer["data"]] == [WATCH_ID]


async def test_an_empty_list_has_no_ends(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.known.clear()
    answer = await client.get("/v1/watches")
    assert answer.json() == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


async def test_a_list_is_filtered_as_asked(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    query = (
        "status=lost&video_id=v%20%2F1&provider=azure&metadata[a]=1&metadata%5Bb%5D=&limit=5&order=asc&after=watch_0"
    )
    assert (await client.get(f"/v1/watches?{query}")).status_code == 200
    assert registry.filter == WatchFilter(WatchStatus.LOST, "v /1", "azure", {"a": "1", "b": ""})
    assert registry.page == PageRequest(5, "watch_0", descending=False)


async def test_lists_show_no_signing_secret(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    secret = replace(WATCH.destinations[0], signing_secret="whsec_hidden")
    registry.known[WATCH_ID] = WATCH._replace(destinations=(secret,))
    assert "whsec" not in (await client.get("/v1/watches")).text
    assert "whsec" not in (await client.get(f"/v1/watches/{WATCH_ID}")).text


async def test_a_watch_shows_the_whole_video(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.known[WATCH_ID] = ENDED
    answer = (await client.get(f"/v1/watches/{WATCH_ID}")).json()
    assert ENDED.video is not None
    assert answer["video"] == ENDED.video.as_dict()
    assert answer["video"]["status"] == VideoStatus.COMPLETED
    assert answer["ended_at"] == 150


@pytest.mark.parametrize("watch_id", ["watch_unknown", "nonsense", "watch_%00", "batch", "dlv_1", "watch_%ED%A0%80"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_watch_is_not_found(client: httpx.AsyncClient, method: str, watch_id: str) -> None:
    answer = await client.request(method, f"/v1/watches/{watch_id}")
    assert problem(answer) == (404, "id", None)
    assert answer.json()["error"]["type"] == "not_found_error"


async def test_cancelling_answers_with_the_watch_and_may_be_repeated(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await client.delete(f"/v1/watches/{WATCH_ID}")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


async def test_what_cannot_be_cancelled_is_a_conflict(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.known[WATCH_ID] = ENDED
    assert problem(await client.delete(f"/v1/watches/{WATCH_ID}")) == (409, None, "ended")


async def test_waiting_ends_with_the_watch(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    asked = asyncio.create_task(client.get(f"/v1/watches/{WATCH_ID}?wait=60"))
    while not registry.waiting:
        await asyncio.sleep(0)
    registry.known[WATCH_ID] = ENDED
    registry.changed.set()
    assert (await asked).json()["status"] == "completed"
    assert registry.waiting == 0


async def test_waiting_zero_seconds_is_not_waiting(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    answer = await client.get(f"/v1/watches/{WATCH_ID}?wait=0")
    assert answer.json()["status"] == "watching"


async def test_waiting_ends_when_the_server_stops(
    client: httpx.AsyncClient, registry: FakeRegistry, readiness: Readiness
) -> None:
    asked = asyncio.create_task(client.get(f"/v1/watches/{WATCH_ID}?wait=60"))
    while not registry.waiting:
        await asyncio.sleep(0)
    readiness.stop()
    assert (await asked).json()["status"] == "watching"
    assert registry.waiting == 0


async def test_waiting_for_an_unknown_watch_is_not_found(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/v1/watches/watch_unknown?wait=5")) == (404, "id", None)


@pytest.mark.parametrize("wait", ["61", "-1", "abc", "", "1.5", "+5", "٣", "1_0", "%201", "1e1", "9" * 5000])
async def test_a_wait_that_is_none_is_refused(client: httpx.AsyncClient, wait: str) -> None:
    status, param, _ = problem(await client.get(f"/v1/watches/{WATCH_ID}?wait={wait}"))
    assert (status, param) == (400, "wait")


async def test_the_outlook_of_a_watch_says_when_and_why(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/watches/{WATCH_ID}/outlook")
    assert answer.json() == {
        "object": "outlook",
        "watch_id": WATCH_ID,
        "next_look_at": 170,
        "expected_end_at": 180,
        "reason": OUTLOOK.reason,
    }


async def test_a_watch_that_is_not_there_has_no_outlook(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/watches/watch_nowhere/outlook")
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "id")
