"""How much one client may ask for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Router

from bridge.app import open_bridge
from bridge.errors import RateLimitedError
from bridge.metrics import Metrics
from bridge.settings import load_settings
from bridge.web import limits
from bridge.web.application import create_web
from bridge.web.auth import KeyRing, RequireKey
from bridge.web.errors import HANDLERS
from bridge.web.health import Readiness
from bridge.web.limits import (
    FREE_FAILURES,
    LONGEST_DELAY,
    MOST_WAITING,
    OpenStreams,
    RequestRate,
    SignIns,
    network_of,
)
from bridge.web.requestlog import RequestLog
from tests.clock import AutoClock, ManualClock
from tests.web.conftest import READER, WRITER, asking, bearer
from tests.web.fakes import WATCH_ID, FakeRegistry


def taken(rate: RequestRate, key: str, number: int) -> int:
    """How many of so many requests are let through."""
    passed = 0
    for _ in range(number):
        try:
            rate.take(key)
        except RateLimitedError:
            continue
        passed += 1
    return passed


def test_a_key_has_a_burst_and_then_so_much_a_second(auto_clock: AutoClock) -> None:
    rate = RequestRate(auto_clock, rate=100, burst=1000)
    assert taken(rate, "a", 1500) == 1000
    auto_clock.advance(2)
    assert taken(rate, "a", 1500) == 200


def test_each_key_has_its_own(auto_clock: AutoClock) -> None:
    rate = RequestRate(auto_clock, rate=1, burst=1)
    assert [taken(rate, key, 2) for key in ("a", "b")] == [1, 1]


def test_who_asks_too_much_is_told_when_to_ask_again(auto_clock: AutoClock) -> None:
    rate = RequestRate(auto_clock, rate=0.1, burst=1)
    rate.take("a")
    with pytest.raises(RateLimitedError) as caught:
        rate.take("a")
    assert caught.value.retry_after == pytest.approx(10)


async def test_ever_more_failed_sign_ins_are_answered_ever_later(auto_clock: AutoClock) -> None:
    sign_ins = SignIns(auto_clock)
    for _ in range(FREE_FAILURES + 8):
        await sign_ins.failed("192.0.2.1")
    assert auto_clock.slept == [0.05, 0.1, 0.2, 0.4, *[LONGEST_DELAY] * 4]


async def test_another_address_is_not_slowed(auto_clock: AutoClock) -> None:
    sign_ins = SignIns(auto_clock)
    for number in range(100):
        await sign_ins.failed(f"192.0.2.{number}")
    assert auto_clock.slept == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "192.0.2.1", False),
    ],
)
def test_who_has_one_address_of_ipv6_has_a_whole_network_of_them(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


async def test_very_many_addresses_are_not_all_remembered(auto_clock: AutoClock) -> None:
    sign_ins = SignIns(auto_clock)
    for number in range(limits.REMEMBERED + 50):
        await sign_ins.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert sign_ins.remembered == limits.REMEMBERED


async def test_not_more_than_so_many_wait_for_the_answer_to_a_bad_key(clock: ManualClock) -> None:
    sign_ins = SignIns(clock)
    for _ in range(FREE_FAILURES):
        await sign_ins.failed("192.0.2.1")
    waiting = [asyncio.create_task(sign_ins.failed("192.0.2.1")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimitedError):
        await sign_ins.failed("192.0.2.1")
    await clock.advance(1)
    await asyncio.gather(*waiting)


async def test_who_tries_wrong_keys_shuts_nobody_out(
    registry: FakeRegistry, readiness: Readiness, clock: ManualClock
) -> None:
    web = create_web(registry, Metrics(), readiness, api_keys=(WRITER,), clock=clock)
    wrong = {"authorization": "Bearer not-the-right-key-0000"}
    async with asking(web) as client:
        tries = [asyncio.create_task(client.get("/v1/watches", headers=wrong)) for _ in range(150)]
        while sum(each.done() for each in tries) < FREE_FAILURES + 40:
            await asyncio.sleep(0)
        assert (await client.get("/v1/watches", headers=bearer(WRITER))).status_code == 200
        await clock.advance(1)
        answers = [(await each).status_code for each in tries]
    assert answers.count(401) == FREE_FAILURES + MOST_WAITING
    assert answers.count(429) == 40


async def test_what_a_key_may_not_do_counts_too(clock: ManualClock) -> None:
    guard = Middleware(RequireKey, keys=KeyRing([READER]), rate=RequestRate(clock, burst=2), sign_ins=SignIns(clock))
    web = Starlette(
        routes=[Mount("/v1", app=Router(), middleware=[guard])],
        middleware=[Middleware(RequestLog, clock=clock)],
        exception_handlers=HANDLERS,
    )
    async with asking(web) as client:
        answers = [await client.post("/v1/watches", headers=bearer(READER)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 429]


async def test_failures_are_forgiven_in_time(auto_clock: AutoClock) -> None:
    sign_ins = SignIns(auto_clock)
    for _ in range(FREE_FAILURES):
        await sign_ins.failed("192.0.2.1")
    auto_clock.advance(901)
    await sign_ins.failed("192.0.2.1")
    assert auto_clock.slept == []


def test_a_key_has_only_so_many_streams_open() -> None:
    streams = OpenStreams(2)
    with streams.one("a"), streams.one("a"), streams.one("b"), pytest.raises(RateLimitedError), streams.one("a"):
        pass
    with streams.one("a"):
        pass


async def test_a_429_says_when_to_come_back(registry: FakeRegistry, readiness: Readiness, clock: ManualClock) -> None:
    web = create_web(registry, Metrics(), readiness, api_keys=(WRITER, READER), clock=clock)
    async with asking(web) as client:
        for _ in range(1000):
            assert (await client.get(f"/v1/watches/{WATCH_ID}", headers=bearer(WRITER))).status_code == 200
        refused = await client.get(f"/v1/watches/{WATCH_ID}", headers=bearer(WRITER))
        other = await client.get(f"/v1/watches/{WATCH_ID}", headers=bearer(READER))
        probe = await client.get("/healthz")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert (refused.headers["retry-after"], other.status_code, probe.status_code) == ("1", 200, 200)


@pytest.mark.parametrize(
    ("variable", "paths"),
    [("BRIDGE_OPEN_METRICS", ["/metrics"]), ("BRIDGE_OPEN_DOCS", ["/docs", "/openapi.json"])],
)
async def test_metrics_and_docs_can_be_closed(tmp_path: Path, variable: str, paths: list[str]) -> None:
    keys = WRITER.key.get_secret_value()
    environ = {
        "BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path}/bridge.db",
        "BRIDGE_API_KEYS": f"ci:{keys}",
        variable: "false",
    }
    async with open_bridge(load_settings(environ, None)) as bridge, asking(bridge.web) as client:
        for path in ("/metrics", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == (401 if path in paths else 200)
            assert (await client.get(path, headers=bearer(WRITER))).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ],
)
async def test_every_answer_keeps_browsers_in_bounds(client: httpx.AsyncClient, name: str, value: str) -> None:
    for path in (f"/v1/watches/{WATCH_ID}", "/v1/nothing"):
        assert (await client.get(path)).headers[name] == value


@pytest.mark.parametrize("path", [f"/v1/watches/{WATCH_ID}", "/docs", "/metrics", "/nothing"])
async def test_nothing_from_elsewhere_and_no_inline_script_may_run(client: httpx.AsyncClient, path: str) -> None:
    policy = (await client.get(path)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(("public_url", "told"), [("https://b.example", True), ("http://b.example", False)])
async def test_behind_tls_browsers_are_told_to_stay_with_it(
    registry: FakeRegistry, readiness: Readiness, public_url: str, told: bool
) -> None:
    async with asking(create_web(registry, Metrics(), readiness, public_url=public_url)) as client:
        assert ("strict-transport-security" in (await client.get("/healthz")).headers) is told
