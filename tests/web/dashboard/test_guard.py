"""Who gets in, and whose forms are taken."""

from __future__ import annotations

import re

import httpx
import pytest
from starlette.applications import Starlette

from bridge.metrics import Metrics
from bridge.web.application import create_web
from bridge.web.dashboard import DashboardParts
from bridge.web.health import Readiness
from tests.clock import ManualClock
from tests.web.conftest import READER, WRITER, bearer
from tests.web.dashboard.conftest import Visit, visiting
from tests.web.fakes import DELIVERY_ID, WATCH_ID, FakeRegistry

PAGES = [
    f"/watches/{WATCH_ID}",
    "/deliveries",
    f"/deliveries/{DELIVERY_ID}",
    "/destinations",
    "/destinations/team",
    "/templates",
    "/overview",
    "/live",
]
CHANGES = [
    "/watches",
    f"/watches/{WATCH_ID}/cancel",
    "/deliveries/retry",
    f"/deliveries/{DELIVERY_ID}/retry",
    "/destinations",
    "/destinations/team/test",
    "/destinations/team/switch",
    "/destinations/team/rotate",
]


async def test_the_root_asks_to_sign_in(keyed_visit: Visit) -> None:
    answer = await keyed_visit.get("/")
    assert answer.status_code == 200
    assert 'type="password"' in keyed_visit.html
    assert "video_abc" not in keyed_visit.html


@pytest.mark.parametrize("path", PAGES)
async def test_every_other_page_leads_there_and_back(keyed_visit: Visit, path: str) -> None:
    answer = await keyed_visit.get(path + "?q=1")
    assert answer.status_code == 303
    asked = httpx.URL(f"http://localhost:8080{path}").join(answer.headers["location"])
    assert (asked.path, asked.params["back"]) == ("/sign-in", path[1:] + "?q=1")


@pytest.mark.parametrize("path", [*CHANGES, "/templates", "/templates/mail"])
async def test_no_form_is_taken_from_whoever_did_not_sign_in(
    keyed_visit: Visit, registry: FakeRegistry, path: str
) -> None:
    await keyed_visit.get("/")
    assert (await keyed_visit.post(path)).status_code == 401
    assert registry.bodies == []


@pytest.mark.parametrize("path", CHANGES)
async def test_a_key_that_may_only_read_changes_nothing(keyed_visit: Visit, path: str) -> None:
    await keyed_visit.sign_in(READER)
    await keyed_visit.get("/")
    assert (await keyed_visit.post(path)).status_code == 403
    assert "may only read" in keyed_visit.html


@pytest.mark.parametrize("path", [*CHANGES, "/templates", "/theme", "/sign-in", "/sign-out"])
async def test_a_form_without_the_token_of_its_session_is_refused(visit: Visit, path: str) -> None:
    visit.token = "0" * 64
    assert (await visit.post(path)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(keyed_visit: Visit, headers: dict[str, str]) -> None:
    await keyed_visit.sign_in(WRITER)
    await keyed_visit.get("/")
    keyed_visit.headers = headers
    assert (await keyed_visit.post("/theme", theme="dark")).status_code == 403


async def test_a_form_of_the_public_url_is_taken(
    registry: FakeRegistry, readiness: Readiness, parts: DashboardParts, clock: ManualClock
) -> None:
    app = create_web(
        registry,
        Metrics(),
        readiness,
        dashboard=parts,
        clock=clock,
        api_keys=(WRITER,),
        public_url="https://bridge.example/tool",
    )
    async with visiting(app, "https://inside:8080") as visit:
        await visit.get("/sign-in")
        visit.headers = {"origin": "https://bridge.example"}
        answer = await visit.post("/sign-in", api_key=WRITER.key.get_secret_value())
    assert answer.status_code == 303
    assert "secure; " in answer.headers["set-cookie"].lower() + "; "


async def test_what_is_no_form_is_refused(visit: Visit) -> None:
    answer = await visit.client.post("/theme", json={"form_token": visit.token})
    assert answer.status_code == 415
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await visit.client.post("/theme", content=b"a=%ff", headers=headers)
    assert answer.status_code == 400
    assert (await visit.post("/theme", theme="x" * 1_048_577)).status_code == 413


async def test_the_cookie_opens_no_route_of_the_api(keyed_visit: Visit) -> None:
    await keyed_visit.sign_in(WRITER)
    assert (await keyed_visit.client.get("/v1/watches")).status_code == 401
    assert (await keyed_visit.client.get("/v1/watches", headers=bearer(WRITER))).status_code == 200


async def test_every_page_forbids_what_it_does_not_need(visit: Visit) -> None:
    for path in ("/", *PAGES[:-1], "/watches/none"):
        answer = await visit.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert re.search("<[^>]* (style|on[a-z]+)=|<script>|<style", answer.text) is None


async def test_a_database_that_is_away_shows_on_a_page(visit: Visit, registry: FakeRegistry) -> None:
    registry.away = True
    answer = await visit.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "database is away" in visit.html
    assert "/var/lib" not in visit.html


async def test_a_key_the_server_lacks_shows_on_a_page(visit: Visit, registry: FakeRegistry) -> None:
    registry.keyless = True
    assert (await visit.get("/")).status_code == 503
    assert "BRIDGE_SECRET_KEY" in visit.html


async def test_below_a_prefix_all_links_stay_below_it(shown: Starlette) -> None:
    transport = httpx.ASGITransport(app=shown, root_path="/tool")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        page = (await client.get(f"/tool/watches/{WATCH_ID}")).text
    assert 'href="../deliveries"' in page
    assert 'href="/' not in page
