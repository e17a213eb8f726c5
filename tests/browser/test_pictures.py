"""Photographs of every page, for the README: of a bridge as it is in earnest, at jobs that take a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FloatRect

from bridge.simulator import SimulatorSettings
from tests.browser import SCREENSHOTS
from tests.browser.conftest import Scheme, windows
from tests.browser.stage import Stage, fill, paths, staged

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

PICTURE: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": 720}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sitter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    jobs = SimulatorSettings(duration=16.0, spread=0.3, seed=3)
    async with staged(
        tmp_path_factory.mktemp("pictures"),
        jobs=jobs,
        BRIDGE_POLL_MIN_INTERVAL="1",
        BRIDGE_POLL_MAX_INTERVAL="30",
        BRIDGE_POLL_RATE="20",
    ) as made:
        await fill(made)
        yield made


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures_of_every_page(chromium: Browser, sitter: Stage, scheme: Scheme) -> None:
    async with windows(chromium, sitter) as opening:
        page = await opening(scheme=scheme)
        for name, path in (await paths(sitter)).items():
            await page.goto(path)
            await page.wait_for_timeout(1500)  # until the player has put its wheel away
            await page.screenshot(path=Path(SCREENSHOTS or "", f"{name}-{scheme}.png"), clip=PICTURE)
