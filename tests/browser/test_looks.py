"""Every page at both ends of the scale of screens, in light and dark, judged by axe."""

from __future__ import annotations

from typing import Any

import pytest
from axe_core_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.conftest import Opening, Scheme
from tests.browser.stage import READER, Stage, paths

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

SERIOUS = ("serious", "critical")


def findings(report: Any) -> list[str]:
    """What axe found that keeps people out."""
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in report["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
async def test_every_page_fits_and_axe_finds_nothing_serious(
    opening: Opening, stage: Stage, width: int, scheme: Scheme
) -> None:
    page = await opening(width=width, scheme=scheme)
    for path in (await paths(stage)).values():
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('main details').forEach(each => (each.open = true))")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert findings(await Axe().run(page)) == [], path


async def test_the_line_under_an_id_swallows_no_underscore_of_it(opening: Opening) -> None:
    page = await opening()
    style = await page.locator("a.id").first.evaluate(
        "each => [getComputedStyle(each).textDecorationSkipInk, "
        "parseFloat(getComputedStyle(each).textUnderlineOffset) / parseFloat(getComputedStyle(each).fontSize)]"
    )
    assert style[0] == "none"
    assert style[1] >= 0.3  # of the font's size: an underscore ends at a quarter of it


async def test_the_head_takes_two_rows_of_a_telephone_and_shows_where_one_is(opening: Opening) -> None:
    page = await opening("/overview", key=READER, width=360)
    head = await page.locator("header.top").bounding_box()
    assert head is not None
    assert head["height"] <= 96
    await expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
    await expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=0.98)


async def test_the_form_to_sign_in_is_usable_by_everybody(opening: Opening) -> None:
    for scheme in ("light", "dark"):
        page = await opening(key=None, width=360, scheme=scheme)
        assert findings(await Axe().run(page)) == []


async def test_the_first_page_is_small(opening: Opening) -> None:
    page = await opening()
    sizes: list[int] = await page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map(each => each.transferSize || each.encodedBodySize)"
    )
    assert len(sizes) >= 4
    assert 0 < sum(sizes) <= 150_000
