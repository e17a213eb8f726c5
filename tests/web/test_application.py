from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreError
from bridge.metrics import Metrics
from bridge.web.application import create_web
from bridge.web.health import Readiness
from bridge.web.operations import Operation
from bridge.web.services import Services
from tests.web.conftest import asking
from tests.web.fakes import WATCH_ID, FakeRegistry


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/unknown",
        "/v1",
        "/v1/",
        "/v1/watches/",
        "/v1/watches/a/b",
        "/docs/",
        "/v1/videos",
        "/v1/videos/video_abc",
        "/v1/videos/video_abc/content",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_what_is_no_route_is_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_route"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/watches", {"GET", "HEAD", "POST"}),
        ("POST", f"/v1/watches/{WATCH_ID}", {"DELETE", "GET", "HEAD"}),
        ("PUT", "/v1/watches/batch", {"POST"}),
        ("DELETE", "/v1/deliveries", {"GET", "HEAD"}),
        ("GET", "/v1/deliveries/dlv_1/retry", {"POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("OPTIONS", "/v1/watches", {"GET", "HEAD", "POST"}),
        ("TRACE", "/docs", {"GET", "HEAD"}),
    ],
)
async def test_another_method_learns_which_there_are(
    client: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert method in answer.json()["error"]["message"]


async def test_head_is_answered_like_get(client: httpx.AsyncClient) -> None:
    assert (await client.head("/v1/watches")).status_code == 200
    assert (await client.head("/v1/watches/watch_unknown")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/watches", {"video_id": "v"}),
        ("POST", "/v1/watches/batch", {"watches": [{"video_id": "v"}]}),
        ("GET", "/v1/watches", None),
        ("GET", f"/v1/watches/{WATCH_ID}", None),
        ("GET", f"/v1/watches/{WATCH_ID}?wait=5", None),
        ("DELETE", f"/v1/watches/{WATCH_ID}", None),
        ("GET", "/v1/deliveries", None),
        ("GET", "/v1/deliveries/dlv_1", None),
        ("POST", "/v1/deliveries/dlv_1/retry", None),
        ("POST", "/v1/deliveries/retry", {}),
    ],
)
async def test_without_its_database_it_says_so(
    client: httpx.AsyncClient, registry: FakeRegistry, method: str, path: str, body: object
) -> None:
    registry.away = True
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["error"]["code"] == "database_away"
    assert "bridge.db" not in answer.text


async def test_a_database_that_refuses_is_our_fault(registry: FakeRegistry, readiness: Readiness) -> None:
    async def breaks(services: Services, request: Request) -> Response:
        raise StoreError("UNIQUE constraint failed: watches.id")

    answer = await ask_one(breaks, registry, readiness)
    assert answer.status_code == 500
    assert "UNIQUE" not in answer.text


async def test_any_refusal_of_starlette_has_our_shape(registry: FakeRegistry, readiness: Readiness) -> None:
    async def refuses(services: Services, request: Request) -> Response:
        raise HTTPException(400, "Too many parts.")

    answer = await ask_one(refuses, registry, readiness)
    assert answer.json()["error"] == {
        "message": "Too many parts.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def ask_one(endpoint: object, registry: FakeRegistry, readiness: Readiness) -> httpx.Response:
    """Ask an application whose only route is ``endpoint``."""
    assert callable(endpoint)
    operation = Operation("GET", "/v1/one", "one", "Server", "One", "One.", endpoint, ())
    async with asking(create_web(registry, Metrics(), readiness, operations=[operation])) as client:
        return await client.get("/v1/one")


def test_it_is_a_plain_application(app: Starlette) -> None:
    assert not app.debug
    assert not app.router.redirect_slashes
