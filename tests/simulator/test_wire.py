"""What the SDK does not show: raw bodies, headers, and requests it would never send."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.simulator import Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.servers import running_simulator

ERROR_FIELDS = {"message", "type", "param", "code"}


async def test_a_json_body_will_do(http: httpx.AsyncClient) -> None:
    body = {"prompt": "A cat", "model": "veo-3", "seconds": 8, "size": "640x360", "input_reference": {"file_id": "x"}}
    video = (await http.post("/videos", json=body)).json()
    assert (video["model"], video["seconds"], video["size"]) == ("veo-3", "8", "640x360")


async def test_a_plain_form_will_do(http: httpx.AsyncClient) -> None:
    video = (await http.post("/videos", data={"prompt": "A cat", "seconds": "4.5"})).json()
    assert (video["prompt"], video["seconds"]) == ("A cat", "4.5")


async def test_a_video_always_has_all_thirteen_fields(http: httpx.AsyncClient, simulator: Simulator) -> None:
    video = (await http.get(f"/videos/{simulator.create('A cat').id}")).json()
    assert len(video) == 13
    assert (video["object"], video["error"], video["completed_at"]) == ("video", None, None)


async def test_nulls_stand_for_the_defaults(http: httpx.AsyncClient) -> None:
    body = {"prompt": "A cat", "model": None, "seconds": None, "size": None}
    video = (await http.post("/videos", json=body)).json()
    assert (video["model"], video["seconds"], video["size"]) == ("sora-2", "4", "720x1280")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"prompt": "[duration=soon]"}, "prompt"),
        ({"prompt": "A cat", "model": []}, "model"),
        ({"prompt": "A cat", "seconds": "long"}, "seconds"),
        ({"prompt": "A cat", "seconds": True}, "seconds"),
        ({"prompt": "A cat", "seconds": -4}, "seconds"),
        ({"prompt": "A cat", "size": "big"}, "size"),
        ({"prompt": "A cat", "size": "0x10"}, "size"),
    ],
)
async def test_a_bad_field_is_named(
    http: httpx.AsyncClient, simulator: Simulator, body: dict[str, Any], param: str
) -> None:
    response = await http.post("/videos", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert simulator.jobs == {}


async def test_the_longest_prompt_is_taken(http: httpx.AsyncClient) -> None:
    assert (await http.post("/videos", json={"prompt": "x" * 32_000})).status_code == 200


async def test_half_a_character_is_refused(http: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    response = await http.post("/videos", content=b'{"prompt": "\\ud800"}', headers=headers)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "prompt")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"A cat"', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(http: httpx.AsyncClient, content: bytes) -> None:
    response = await http.post("/videos", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()["error"]) == ERROR_FIELDS


async def test_a_broken_form_is_refused(http: httpx.AsyncClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = await http.post("/videos", content=b"nonsense", headers=headers)
    assert response.status_code == 400
    assert set(response.json()["error"]) == ERROR_FIELDS


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=٣", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("order=up", "order"),
        ("after=video_none", "after"),
    ],
)
async def test_a_bad_list_parameter_is_named(http: httpx.AsyncClient, query: str, param: str) -> None:
    response = await http.get(f"/videos?{query}")
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_a_list_says_where_it_begins_and_ends(http: httpx.AsyncClient, simulator: Simulator) -> None:
    empty = (await http.get("/videos")).json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    ids = [simulator.create("A cat").id for _ in range(3)]
    page = (await http.get("/videos?limit=100")).json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (ids[2], ids[0], False)


async def test_an_unknown_variant_is_refused(http: httpx.AsyncClient, simulator: Simulator) -> None:
    response = await http.get(f"/videos/{simulator.create('[duration=0]').id}/content?variant=hologram")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "variant")


async def test_a_part_of_a_file_can_be_asked_for(http: httpx.AsyncClient, simulator: Simulator) -> None:
    video_id = simulator.create("[duration=0]").id
    response = await http.get(f"/videos/{video_id}/content", headers={"range": "bytes=4-7"})
    assert (response.status_code, response.content) == (206, b"ftyp")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/videos", 405), ("POST", "/videos/video_1", 405), ("DELETE", "/videos/x", 404)],
)
async def test_what_does_not_exist_gets_an_error_object(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await http.request(method, path)
    assert response.status_code == status
    assert set(response.json()["error"]) == ERROR_FIELDS


async def test_every_response_has_its_own_request_id(http: httpx.AsyncClient, simulator: Simulator) -> None:
    video_id = simulator.create("[duration=0]").id
    paths = ["/videos", f"/videos/{video_id}", f"/videos/{video_id}/content", "/videos/none", "/nothing"]
    ids = {(await http.get(path)).headers["x-request-id"] for path in paths}
    assert len(ids) == len(paths)


async def test_the_wish_for_the_next_look_is_sent_only_when_it_is_set(
    http: httpx.AsyncClient, simulator: Simulator, clock: ManualClock
) -> None:
    assert "openai-poll-after-ms" not in (await http.get(f"/videos/{simulator.create('A cat').id}")).headers
    async with running_simulator(SimulatorSettings(poll_after=2.5), clock) as provider:
        video_id = provider.simulator.create("A cat").id
        assert (await http.get(f"{provider.base_url}/videos/{video_id}")).headers["openai-poll-after-ms"] == "2500"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer sk-right"}, 200),
        ({"api-key": "sk-right"}, 200),
        ({}, 401),
        ({"authorization": "sk-right"}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"api-key": "sk-wrong"}, 401),
    ],
)
async def test_the_key_comes_as_bearer_or_api_key(clock: ManualClock, headers: dict[str, str], status: int) -> None:
    async with (
        running_simulator(SimulatorSettings(api_key="sk-right"), clock) as provider,
        httpx.AsyncClient(base_url=provider.base_url, headers=headers, trust_env=False) as http,
    ):
        response = await http.get("/videos")
    assert response.status_code == status
    assert "x-request-id" in response.headers


async def test_the_simulator_shows_what_reached_it(
    http: httpx.AsyncClient, simulator: Simulator, clock: ManualClock
) -> None:
    await http.get("/videos/a%2Fb?model=veo", headers={"x-team": "ads"})
    [seen] = simulator.seen
    assert (seen.method, seen.path, seen.query) == ("GET", "/v1/videos/a%2Fb", "model=veo")
    assert (seen.headers["x-team"], seen.at) == ("ads", clock.monotonic())
