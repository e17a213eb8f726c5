"""The provider's own webhooks: who signs them is believed about which video to look at, and nothing more."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bridge.app import open_bridge
from bridge.metrics import Metrics
from bridge.settings import load_settings
from bridge.signing import headers as signed_headers
from bridge.web.application import create_web
from bridge.web.health import Readiness
from tests.clock import ManualClock
from tests.web.conftest import WRITER, asking, bearer
from tests.web.fakes import FakeRegistry

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
EVENT = {"id": "evt_1", "object": "event", "type": "video.completed", "data": {"id": "video_abc"}}


def signed(
    clock: ManualClock, event: Any = EVENT, *, message_id: str = "wh_1", ago: float = 0, key: bytes = KEY
) -> dict[str, Any]:
    content = json.dumps(event).encode()
    return {"content": content, "headers": signed_headers([key], message_id, int(clock.now() - ago), content)}


def web(registry: FakeRegistry, readiness: Readiness, clock: ManualClock, secret: str | None = SECRET) -> Starlette:
    return create_web(
        registry, Metrics(["openai"]), readiness, api_keys=(WRITER,), clock=clock, wall=clock, webhook_secret=secret
    )


@pytest.fixture
async def pushing(registry: FakeRegistry, readiness: Readiness, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(web(registry, readiness, clock)) as client:
        yield client


async def push(client: httpx.AsyncClient, **request: Any) -> httpx.Response:
    return await client.post("/v1/webhooks/openai", **request)


async def test_the_video_it_names_is_looked_at_without_an_api_key(
    pushing: httpx.AsyncClient, clock: ManualClock, registry: FakeRegistry
) -> None:
    answer = await push(pushing, **signed(clock))
    assert (answer.status_code, answer.json()) == (200, {"status": "looking"})
    assert registry.hastened == [("openai", "video_abc")]


@pytest.mark.parametrize(
    "wrong", [{"key": bytes(32)}, {"ago": 301}, {"ago": -301}], ids=["another secret", "too old", "too new"]
)
async def test_what_is_not_genuine_is_refused(
    pushing: httpx.AsyncClient, clock: ManualClock, registry: FakeRegistry, wrong: dict[str, Any]
) -> None:
    answer = await push(pushing, **signed(clock, **wrong))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")
    assert registry.hastened == []


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_each_of_the_three_headers_is_needed(pushing: httpx.AsyncClient, clock: ManualClock, name: str) -> None:
    request = signed(clock)
    del request["headers"][name]
    assert (await push(pushing, **request)).status_code == 401


async def test_a_body_that_was_changed_is_refused(pushing: httpx.AsyncClient, clock: ManualClock) -> None:
    request = signed(clock)
    request["content"] = request["content"].replace(b"video_abc", b"video_xyz")
    assert (await push(pushing, **request)).status_code == 401


async def test_a_replay_is_answered_and_ignored(
    pushing: httpx.AsyncClient, clock: ManualClock, registry: FakeRegistry
) -> None:
    answers = [(await push(pushing, **signed(clock))).json()["status"] for _ in range(3)]
    assert answers == ["looking", "ignored", "ignored"]
    assert len(registry.hastened) == 1


async def test_one_that_could_not_be_followed_may_come_again(
    pushing: httpx.AsyncClient, clock: ManualClock, registry: FakeRegistry
) -> None:
    registry.away = True
    assert (await push(pushing, **signed(clock))).status_code == 503
    registry.away = False
    assert (await push(pushing, **signed(clock))).json() == {"status": "looking"}


async def test_other_events_are_answered_and_ignored(
    pushing: httpx.AsyncClient, clock: ManualClock, registry: FakeRegistry
) -> None:
    answer = await push(pushing, **signed(clock, {"type": "batch.completed", "data": {"id": "batch_1"}}))
    assert (answer.json(), registry.hastened) == ({"status": "ignored"}, [])


@pytest.mark.parametrize("event", [[], {}, {"type": 1}, {"type": "video.failed"}, {**EVENT, "data": {"id": 7}}])
async def test_what_is_no_event_is_a_400(pushing: httpx.AsyncClient, clock: ManualClock, event: Any) -> None:
    assert (await push(pushing, **signed(clock, event))).status_code == 400


async def test_any_other_method_is_refused_as_such(pushing: httpx.AsyncClient) -> None:
    answer = await pushing.get("/v1/webhooks/openai", headers=bearer(WRITER))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_without_a_secret_none_is_taken(registry: FakeRegistry, readiness: Readiness, clock: ManualClock) -> None:
    async with asking(web(registry, readiness, clock, None)) as client:
        answer = await push(client, **signed(clock))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_configured")


async def test_a_secret_without_prefix_is_taken_as_text_or_as_base64(
    registry: FakeRegistry, readiness: Readiness, clock: ManualClock
) -> None:
    plain = base64.b64encode(KEY).decode()
    async with asking(web(registry, readiness, clock, plain)) as client:
        answers = [await push(client, **signed(clock, message_id=repr(key), key=key)) for key in (KEY, plain.encode())]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_push_makes_the_video_due_at_once(tmp_path: Path) -> None:
    environ = {"BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path}/bridge.db", "OPENAI_WEBHOOK_SECRET": SECRET}
    clock = ManualClock()
    async with open_bridge(load_settings(environ, None), clock) as bridge, asking(bridge.web) as client:
        await client.post("/v1/watches", json={"video_id": "video_abc", "callback_url": "https://example.com/hook"})
        (claim,) = await bridge.poller.claim()
        await bridge.poller.release([claim])
        await clock.advance(1)
        assert (await push(client, **signed(clock))).json() == {"status": "looking"}
        due = await bridge.poller.next_due()
        assert due is not None
        assert due <= clock.now()
        unknown = signed(clock, {**EVENT, "data": {"id": "another"}}, message_id="wh_2")
        assert (await push(client, **unknown)).json() == {"status": "ignored"}
        assert 'bridge_pushes_total{first="true",provider="openai"} 1.0' in (await client.get("/metrics")).text
