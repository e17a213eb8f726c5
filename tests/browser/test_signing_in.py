from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Opening
from tests.browser.stage import READER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]


async def test_a_key_opens_the_dashboard_and_signing_out_closes_it(opening: Opening) -> None:
    page = await opening("/overview")
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    await page.goto("/overview")
    await expect(page.get_by_label("API key")).to_be_visible()


async def test_the_cookie_is_out_of_reach_of_scripts_and_holds_no_key(opening: Opening) -> None:
    page = await opening()
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert "writer-key" not in cookie["value"]


async def test_a_key_that_may_only_read_is_shown_no_forms_that_change_something(opening: Opening) -> None:
    page = await opening("/destinations", key=READER)
    await expect(page.get_by_role("link", name="asset-store")).to_be_visible()
    assert await page.get_by_role("button", name="Test").count() == 0
    await page.goto("/")
    assert await page.get_by_text("Register watches").count() == 0


async def test_everything_can_be_read_and_done_without_scripts(opening: Opening) -> None:
    page = await opening("/deliveries?status=failed", java_script_enabled=False)
    await expect(page.get_by_role("button", name="Retry video.completed").first).to_be_visible()
    await page.goto("/")
    await page.get_by_text("Register watches").click()
    await page.get_by_label("Video ids").fill("video_without_scripts")
    await page.get_by_role("button", name="Register").click()
    await expect(page.get_by_role("heading", name="Registered")).to_be_visible()


async def test_the_switch_remembers_dark(opening: Opening) -> None:
    page = await opening("/overview")
    await page.get_by_role("button", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.goto("/")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
