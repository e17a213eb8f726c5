"""The dashboard of a whole bridge, over restarts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bridge.settings import Settings
from tests.harness import bridge_settings, serving

CI, OPS = "ci:writer-key-0123456789", "ops:another-key-0123456789"


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


def settings(folder: Path, *keys: str) -> Settings:
    return bridge_settings(folder, "http://127.0.0.1:9/v1", BRIDGE_API_KEYS=",".join(keys))


def token(page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


async def test_a_session_outlives_a_restart_and_ends_with_its_key(tmp_path: Path, browser: httpx.AsyncClient) -> None:
    async with serving(settings(tmp_path, CI, OPS)) as url:
        asked = await browser.get(f"{url}/")
        form = {"form_token": token(asked.text), "api_key": CI.partition(":")[2]}
        assert (await browser.post(f"{url}/sign-in", data=form)).status_code == 303
        assert "Nothing is watched yet" in (await browser.get(f"{url}/")).text
    async with serving(settings(tmp_path, CI)) as url:
        assert "Nothing is watched yet" in (await browser.get(f"{url}/")).text
    async with serving(settings(tmp_path, OPS)) as url:
        assert "API key" in (await browser.get(f"{url}/")).text
        assert (await browser.get(f"{url}/overview")).status_code == 303


async def test_every_page_of_a_new_bridge_is_there(tmp_path: Path, browser: httpx.AsyncClient) -> None:
    async with serving(bridge_settings(tmp_path, "http://127.0.0.1:9/v1")) as url:
        for path in ("/", "/deliveries", "/destinations", "/templates", "/overview"):
            answer = await browser.get(f"{url}{path}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
