from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import structlog
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bridge.web.requestlog import RequestLog
from tests.clock import AutoClock, ManualClock
from tests.web.conftest import READER, bearer
from tests.web.fakes import FakeRegistry


def lines(records: list[Any], event: str = "request") -> list[Mapping[str, Any]]:
    return [record for record in records if record["event"] == event]


@pytest.mark.parametrize(
    "path", ["/healthz", "/docs", "/metrics", "/unknown", "/v1/watches", "/v1/watches/x", "/v1/?x=1"]
)
async def test_every_answer_has_an_id_of_its_own(client: httpx.AsyncClient, path: str) -> None:
    ids = [(await client.get(path)).headers["x-request-id"] for _ in range(2)]
    assert all(re.fullmatch(r"req_[0-9a-f]{32}", each) for each in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize("given", ["abc", "req-1/2:3.4_5+6=@", "x" * 128])
async def test_a_sane_id_is_taken_over(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/healthz", headers={"x-request-id": given})
    assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "é", "a,b", '"', "<script>"])
async def test_an_odd_id_is_not(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/healthz", headers={b"x-request-id": given.encode()})
    assert answer.headers["x-request-id"].startswith("req_")


async def test_refusals_have_the_id_too(keyed: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    for asked in (keyed.get("/v1/watches"), client.get("/", headers={"host": "evil.example"}), client.put("/docs")):
        assert (await asked).headers["x-request-id"].startswith("req_")


async def test_a_request_is_one_line_in_the_log(keyed: httpx.AsyncClient) -> None:
    with capture_logs() as records:
        await keyed.get("/v1/watches?video_id=private", headers=bearer(READER))
    (line,) = lines(records)
    assert (line["method"], line["path"], line["status"], line["key_name"]) == ("GET", "/v1/watches", 200, "grafana")
    assert line["log_level"] == "debug"


async def test_what_changes_something_or_goes_wrong_is_told_at_info(keyed: httpx.AsyncClient) -> None:
    with capture_logs() as records:
        await keyed.get("/v1/watches/watch_unknown", headers=bearer(READER))
        await keyed.delete("/v1/watches/watch_unknown", headers=bearer(READER))
    assert [line["log_level"] for line in lines(records)] == ["info", "info"]
    assert "private" not in str(records)
    assert "reader-key" not in str(records)


async def test_the_line_says_how_long_it_took() -> None:
    clock = AutoClock()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await clock.sleep(1.25)

    with capture_logs() as records:
        await RequestLog(slow, clock)({"type": "http", "method": "GET", "path": "/", "headers": []}, _receive, _send)
    assert lines(records)[0]["ms"] == 1250


async def test_a_path_cannot_forge_a_line(client: httpx.AsyncClient) -> None:
    with capture_logs() as records:
        await client.get("/a%0A%1b[31mfake" + "x" * 1000)
    assert lines(records)[0]["path"].startswith("/a%0A%1B%5B31mfake")
    assert len(lines(records)[0]["path"]) == 500


async def test_a_fault_of_ours_is_logged_and_not_shown(client: httpx.AsyncClient, registry: FakeRegistry) -> None:
    registry.broken = True
    with capture_logs() as records:
        answer = await client.get("/v1/watches", headers={"x-request-id": "r1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "r1"
    assert answer.json()["error"]["type"] == "server_error"
    assert "recipe" not in answer.text
    (fault,) = lines(records, "request_failed")
    assert fault["exc_info"] is True
    assert (lines(records)[0]["status"], fault["log_level"]) == (500, "error")


async def test_the_id_is_bound_while_the_request_lasts() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(structlog.contextvars.get_contextvars()["request_id"])

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", b"r1")]}
    await RequestLog(app, ManualClock())(scope, _receive, _send)
    assert seen == ["r1"]
    assert structlog.contextvars.get_contextvars() == {}


async def test_a_fault_after_the_answer_began_is_left_to_the_server() -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with capture_logs() as records, pytest.raises(RuntimeError, match="half way"):
        await RequestLog(breaks, ManualClock())(scope, _receive, _send)
    assert lines(records)[0]["status"] == 200


async def test_other_connections_pass_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await RequestLog(app, ManualClock())({"type": "lifespan"}, _receive, _send)
    assert seen == ["lifespan"]


async def _receive() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _send(message: Any) -> None:
    """Take whatever is sent."""
