"""One browser and one bridge for all tests of this folder; each test has a window of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from tests.browser import CHROMIUM, SCREENSHOTS, WANTED
from tests.browser.stage import WRITER, Stage, fill, staged

collect_ignore_glob = [] if WANTED else ["test_*.py"]
if SCREENSHOTS is None:  # pictures are only made when they are asked for
    collect_ignore_glob.append("test_pictures.py")

# A browser on a busy machine may take longer than the usual five seconds.
expect.set_options(timeout=30_000)
# What a browser would do on its own account is switched off.
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)

Scheme = Literal["light", "dark"]


@dataclass
class Watched:
    """What a window did that it must not do."""

    host: str
    complaints: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def on_error(self, error: object) -> None:
        self.complaints.append(f"script: {error}")

    def on_request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host:
            self.complaints.append(f"request to another host: {request.url}")


Opening = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.exit(f"There is no browser at {CHROMIUM}: apt-get install chromium, or set BRIDGE_TEST_CHROMIUM.", 1)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("browser")
    async with staged(folder) as made:
        await fill(made)
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def opening(chromium: Browser, stage: Stage) -> AsyncIterator[Opening]:
    async with windows(chromium, stage) as open_window:
        yield open_window


@asynccontextmanager
async def windows(chromium: Browser, stage: Stage) -> AsyncIterator[Opening]:
    """Opens windows; at the end none may have complained, nor asked another host."""
    watched = Watched(urlsplit(stage.url).netloc)
    async with AsyncExitStack() as stack:

        async def open_window(
            path: str = "/", *, key: str | None = WRITER, width: int = 1280, scheme: Scheme = "light", **options: Any
        ) -> Page:
            context = await chromium.new_context(
                base_url=stage.url, viewport={"width": width, "height": 800}, color_scheme=scheme, **options
            )
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.on("console", watched.on_console)
            page.on("pageerror", watched.on_error)
            page.on("request", watched.on_request)
            await page.goto("/")
            if key is not None:
                await page.fill("#api_key", key)
                await page.get_by_role("button", name="Sign in").click()
                await page.get_by_role("heading", name="Watches").wait_for()
                await page.wait_for_load_state()
            if path != "/":
                await page.goto(path)
            return page

        yield open_window
    assert watched.complaints == []
