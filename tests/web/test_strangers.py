"""What strangers may register, through the API over the real registry: no URL that leads inside, no header of ours."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bridge.app import open_bridge
from bridge.settings import load_settings
from tests.egress.corpus import GOOD_URLS, HOSTILE_URLS
from tests.parts import database_url
from tests.web.conftest import WRITER, asking, bearer

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]

INSIDE = "10.11.12.13"
ONE_OF_EACH = {each.kind: each for each in HOSTILE_URLS}.values()
KINDS: Mapping[str, Json] = {
    "callback": {},
    "slack": {},
    "email-webhook": {"to": ["ana@example.com"], "from": "b@example.com", "api_key": "k", "preset": "resend"},
}


def destination(kind: str, **fields: Any) -> Json:
    return {"kind": kind, "url": "https://example.com/hook", **KINDS[kind], **fields}


def placed(kind: str, url: str) -> Json:
    """The URL as a registration may have it."""
    return {"callback_url": url} if kind == "callback_url" else {"destinations": [destination(kind, url=url)]}


async def complaint(client: httpx.AsyncClient, given: Json) -> tuple[int, str, str]:
    """Status, field and message of the answer to a registration with this destination."""
    answer = await client.post("/v1/watches", json={"video_id": "v", "destinations": [given]})
    error = answer.json()["error"]
    return answer.status_code, error["param"], error["message"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with keys, so that nothing but public addresses may be reached."""
    folder = tmp_path_factory.mktemp("bridge")
    key = f"ci:{WRITER.key.get_secret_value()}"
    environ = {"BRIDGE_DATABASE_URL": database_url(folder), "BRIDGE_API_KEYS": key}
    async with open_bridge(load_settings(environ, None)) as bridge, asking(bridge.web) as client:
        client.headers.update(bearer(WRITER))
        yield client


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the system was asked for; it says of all that they lead inside."""
    names: list[str] = []

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        names.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (INSIDE, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return names


async def test_a_hostile_url_of_every_class_is_a_400_with_the_reason(client: httpx.AsyncClient) -> None:
    for each in ONE_OF_EACH:
        answer = await client.post("/v1/watches", json={"video_id": "v", "callback_url": each.text})
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", "callback_url")
        assert re.search(each.says, error["message"]), each
    assert (await client.get("/v1/watches")).json()["data"] == []


@pytest.mark.parametrize("kind", ["callback_url", *KINDS])
async def test_every_hostile_url_is_refused_wherever_it_stands(client: httpx.AsyncClient, kind: str) -> None:
    # An empty URL of a mail service is one that was forgotten, and has an answer of its own.
    hostile = [each for each in HOSTILE_URLS if each.text]
    watches = [{"video_id": "v", **placed(kind, each.text)} for each in hostile]
    answer = await client.post("/v1/watches/batch", json={"watches": watches})
    errors = [entry["error"] for entry in answer.json()["data"]]
    assert {error["param"] for error in errors} == {"callback_url" if kind == "callback_url" else "destinations[0].url"}
    answered = zip(hostile, errors, strict=True)
    assert [each for each, error in answered if not re.search(each.says, error["message"])] == []


async def test_and_so_it_is_in_a_stored_destination_new_or_changed(client: httpx.AsyncClient) -> None:
    await client.post("/v1/destinations", json={"name": "team", "kind": "callback", "url": "https://example.com/"})
    for each in ONE_OF_EACH:
        new = {"name": "other", "kind": "callback", "url": each.text}
        created = await client.post("/v1/destinations", json=new)
        changed = await client.patch("/v1/destinations/team", json={"url": each.text})
        for answer in (created, changed):
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "url")
            assert re.search(each.says, answer.json()["error"]["message"]), each


async def test_every_good_url_is_taken_and_nobody_is_asked_for_its_name(
    client: httpx.AsyncClient, asked: list[str]
) -> None:
    watches = [{"video_id": str(number), "callback_url": each.text} for number, each in enumerate(GOOD_URLS)]
    answer = await client.post("/v1/watches/batch", json={"watches": watches})
    shown = [watch["destinations"][0]["url"] for watch in answer.json()["data"]]
    assert shown == [each.text.partition("?")[0] for each in GOOD_URLS]
    assert asked == []


@pytest.mark.parametrize("kind", ["callback", "email-webhook"])
@pytest.mark.parametrize("name", ["Host", "content-length", "Webhook-Id", "webhook_signature", "Connection", "a b"])
async def test_no_header_of_ours_can_be_set(client: httpx.AsyncClient, kind: str, name: str) -> None:
    status, param, message = await complaint(client, destination(kind, headers={name: "x"}))
    assert (status, param, name in message) == (400, "destinations[0].headers", True)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\u2028b", "ü", "\t"])
async def test_no_header_holds_more_than_its_value(client: httpx.AsyncClient, value: str) -> None:
    status, param, _ = await complaint(client, destination("callback", headers={"X-Team": value}))
    assert (status, param) == (400, "destinations[0].headers")


@pytest.mark.parametrize("field", ["api_key", "from", "to"])
async def test_nor_does_what_a_mail_service_is_told(client: httpx.AsyncClient, field: str) -> None:
    value = "a@example.com\r\nX-Evil: 1"
    status, param, _ = await complaint(
        client, destination("email-webhook", **{field: [value] if field == "to" else value})
    )
    assert (status, param) == (400, "destinations[0].to[0]" if field == "to" else f"destinations[0].{field}")


async def test_a_trial_tells_the_registrant_no_address_but_the_operators_log_does(
    client: httpx.AsyncClient, asked: list[str]
) -> None:
    new = {"name": "inside", "kind": "callback", "url": "https://inside.example/hook"}
    await client.post("/v1/destinations", json=new)
    with capture_logs() as logs:
        answer = await client.post("/v1/destinations/inside/test")
    assert (answer.status_code, answer.json()["reason"], asked) == (200, "blocked_address", ["inside.example"])
    assert tells_where(answer.text) == []
    assert "inside.example: 10.11.12.13 is in 10.0.0.0/8 (private)" in json.dumps(logs)


def tells_where(text: str) -> list[str]:
    """What in an answer would tell a stranger where a name leads."""
    return [word for word in ("10.11", "10.0.0", "private", "network", "range") if word in text]
