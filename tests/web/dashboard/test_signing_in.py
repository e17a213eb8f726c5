from __future__ import annotations

import pytest

from bridge.metrics import Metrics
from bridge.web.application import create_web
from bridge.web.dashboard import DashboardParts
from bridge.web.dashboard.session import COOKIE
from bridge.web.health import Readiness
from bridge.web.limits import FREE_FAILURES
from tests.clock import AutoClock
from tests.web.conftest import READER, WRITER
from tests.web.dashboard.conftest import FakeEnded, Visit, visiting
from tests.web.fakes import FakeRegistry


async def test_a_key_signs_in_and_leads_back(keyed_visit: Visit) -> None:
    await keyed_visit.get("/sign-in?back=deliveries%3Fstatus%3Dfailed")
    answer = await keyed_visit.post(
        "/sign-in", api_key=f" {WRITER.key.get_secret_value()} ", back="deliveries?status=failed"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "./deliveries?status=failed")
    assert "httponly" in answer.headers["set-cookie"].lower()
    await keyed_visit.get("/")
    assert "ci" in keyed_visit.html
    assert "video_abc" in keyed_visit.html


async def test_signing_in_begins_another_session(keyed_visit: Visit) -> None:
    await keyed_visit.get("/sign-in")
    before = keyed_visit.token
    await keyed_visit.sign_in(WRITER)
    await keyed_visit.get("/")
    assert keyed_visit.token != before


async def test_signing_out_ends_it(keyed_visit: Visit) -> None:
    await keyed_visit.sign_in(READER)
    await keyed_visit.get("/")
    assert "read only" in keyed_visit.html
    await keyed_visit.post("/sign-out")
    assert (await keyed_visit.get("/deliveries")).status_code == 303


async def test_after_signing_out_a_copied_cookie_opens_nothing(keyed_visit: Visit) -> None:
    await keyed_visit.sign_in(WRITER)
    copied = {"cookie": f"{COOKIE}={keyed_visit.client.cookies[COOKIE]}"}
    assert (await keyed_visit.client.get("/deliveries", headers=copied)).status_code == 200
    await keyed_visit.get("/")
    await keyed_visit.post("/sign-out")
    keyed_visit.client.cookies.clear()
    assert (await keyed_visit.client.get("/deliveries", headers=copied)).status_code == 303


async def test_nor_does_it_at_another_replica(
    keyed_visit: Visit, registry: FakeRegistry, readiness: Readiness, parts: DashboardParts
) -> None:
    await keyed_visit.sign_in(WRITER)
    copied = {"cookie": f"{COOKIE}={keyed_visit.client.cookies[COOKIE]}"}
    app = create_web(registry, Metrics(), readiness, dashboard=parts, clock=AutoClock(), api_keys=(WRITER,))
    async with visiting(app) as replica:
        assert (await replica.client.get("/deliveries", headers=copied)).status_code == 200
        await keyed_visit.get("/")
        await keyed_visit.post("/sign-out")
        assert (await replica.client.get("/deliveries", headers=copied)).status_code == 303


async def test_while_the_database_is_away_nobody_is_let_in_or_signed_out(keyed_visit: Visit, ended: FakeEnded) -> None:
    await keyed_visit.sign_in(WRITER)
    ended.away = True
    assert (await keyed_visit.get("/deliveries")).status_code == 503
    ended.away = False
    assert (await keyed_visit.get("/deliveries")).status_code == 200


async def test_a_wrong_key_is_said_to_be_wrong(keyed_visit: Visit) -> None:
    await keyed_visit.get("/sign-in")
    answer = await keyed_visit.post("/sign-in", api_key="schlüssel", back="overview")
    assert answer.status_code == 401
    assert "not known here" in keyed_visit.html
    assert 'name="back" value="overview"' in keyed_visit.html


async def test_trying_keys_gets_slow(keyed_visit: Visit, auto_clock: AutoClock) -> None:
    await keyed_visit.get("/sign-in")
    for _ in range(FREE_FAILURES):
        await keyed_visit.post("/sign-in", api_key="wrong")
    before = auto_clock.now()
    await keyed_visit.post("/sign-in", api_key="wrong")
    assert auto_clock.now() > before


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "a/../..//b", "javascript:1"]
)
async def test_signing_in_leads_nowhere_else(keyed_visit: Visit, back: str) -> None:
    await keyed_visit.get("/sign-in")
    answer = await keyed_visit.post("/sign-in", api_key=WRITER.key.get_secret_value(), back=back)
    assert answer.headers["location"] == "./"


async def test_a_server_without_keys_asks_for_none(visit: Visit) -> None:
    assert (await visit.get("/sign-in")).headers["location"] == "./"
    assert (await visit.post("/sign-in")).headers["location"] == "./"
    await visit.get("/")
    assert "Sign out" not in visit.html


async def test_dark_is_remembered_until_it_is_taken_back(visit: Visit) -> None:
    await visit.post("/theme", theme="dark", back="overview")
    await visit.get("/overview")
    assert 'data-theme="dark"' in visit.html
    assert 'value="dark" aria-pressed="true"' in visit.html
    await visit.post("/theme", theme="pink")
    await visit.get("/overview")
    assert "data-theme" not in visit.html
    assert 'value="" aria-pressed="true"' in visit.html
