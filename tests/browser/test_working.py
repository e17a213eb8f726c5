"""What people come to the dashboard for, done with the mouse and with the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Opening
from tests.browser.stage import HOSTILE, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]


async def test_videos_are_registered_and_the_page_follows_them_without_a_reload(opening: Opening, stage: Stage) -> None:
    page = await opening()
    video_id = await stage.video("A tram crosses a bridge [duration=40]")
    await page.get_by_text("Register watches").click()
    await page.get_by_label("Video ids").fill(video_id)
    await page.get_by_label("render-farm").check()
    await page.get_by_role("button", name="Register").click()
    await page.get_by_role("link", name=video_id).click()
    await page.evaluate("window.stayed = true")
    state = page.get_by_label("State")
    await expect(state.locator(".chip").first).to_have_text("watching")
    await expect(state.locator("progress")).not_to_have_attribute("value", "0")
    stage.simulator.end(video_id)
    await expect(state.locator(".chip").first).to_have_text("completed")
    await expect(page.get_by_text("Attempt 1 to render-farm: delivered")).to_be_visible()
    assert await page.evaluate("window.stayed")


PLAYS = "async film => { film.load(); await new Promise(done => film.oncanplay = done); return film.videoWidth }"


async def test_the_film_plays_on_the_page_of_its_watch_and_by_itself(opening: Opening, stage: Stage) -> None:
    watch = await stage.register("A heron takes off [duration=0]", destinations=["render-farm"], callback_url=None)
    page = await opening(f"/watches/{watch['id']}")
    film = page.locator("video")
    await expect(film).to_be_visible()
    assert await film.evaluate(PLAYS) > 0
    await page.goto(str(await film.evaluate("film => film.src")))
    assert await page.locator("video").evaluate(PLAYS) > 0


async def test_the_film_goes_on_while_the_page_follows_what_happens(opening: Opening, stage: Stage) -> None:
    watch = await stage.register("A tide comes in [duration=0]", destinations=["render-farm"], callback_url=None)
    page = await opening(f"/watches/{watch['id']}")
    film = page.locator("video")
    await expect(film).to_be_visible()
    await film.evaluate(PLAYS)
    before = await film.evaluate("film => film.src")
    seen = await page.locator("#watch").inner_text()
    await page.wait_for_timeout(1100)  # a link of another second is another link
    later = await stage.register("A tide goes out [duration=0]", destinations=["render-farm"], callback_url=None)
    await stage.until("/v1/deliveries", 1, status="delivered", watch_id=later["id"])
    await expect(page.locator("#watch")).not_to_have_text(seen, use_inner_text=True)
    assert await film.evaluate("film => [film.src, film.readyState > 0]") == [before, True]


async def test_a_failed_delivery_is_retried(opening: Opening, stage: Stage) -> None:
    stage.broken.add("/dunes")
    watch = await stage.register("A kite over dunes [duration=0]", callback_url=f"{stage.hook}/dunes")
    (delivery,) = await stage.until("/v1/deliveries", 1, status="failed", watch_id=watch["id"])
    page = await opening(f"/deliveries/{delivery['id']}")
    stage.broken.remove("/dunes")
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_label("Delivery").locator(".chip").first).to_have_text("delivered")
    await expect(page.get_by_text("Attempt 3 (manual)")).to_be_visible()


async def test_a_destination_is_added_tested_and_disabled(opening: Opening) -> None:
    page = await opening("/destinations")
    await page.get_by_text("Add a destination").click()
    await page.get_by_label("Name", exact=True).fill("from-the-browser")
    await page.get_by_label("URL", exact=True).fill("http://127.0.0.1:9/nobody")
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_text("whsec_")).to_be_visible()
    await page.get_by_role("button", name="Test").click()
    await expect(page.get_by_role("heading", name="The test did not arrive")).to_be_visible()
    await expect(page.get_by_role("status").get_by_text("connect", exact=True)).to_be_visible()
    await expect(page.get_by_text("127.0.0.1:9: nothing takes connections there")).to_be_visible()
    await page.get_by_role("button", name="Disable").click()
    await expect(page.get_by_text("disabled")).to_be_visible()


async def test_a_template_is_previewed_while_it_is_typed_and_its_error_names_the_line(opening: Opening) -> None:
    page = await opening("/templates")
    await expect(page.get_by_label("As it reads")).to_contain_text("Video completed")
    await page.get_by_label("Template (Jinja)").fill('{\n"text": "{{ video.nonsense }}"\n}')
    await expect(page.get_by_role("alert")).to_contain_text("Line 2")
    await page.get_by_label("Template (Jinja)").fill('{"text": "{{ video.model }} is ready"}')
    await expect(page.get_by_label("As it reads")).to_contain_text("sora-2-pro is ready")


async def test_a_mail_is_shown_in_a_frame_with_its_own_styles(opening: Opening) -> None:
    page = await opening("/templates?kind=email-webhook")
    frame = page.frame_locator("iframe[name=mail]")
    await expect(frame.get_by_role("heading", name="Video completed")).to_be_visible()
    await page.get_by_label("Template (Jinja)").fill("<h1>{{ video.model }} is ready</h1>")
    await expect(frame.get_by_text("renders here what is typed")).to_be_visible(timeout=15_000)
    await page.get_by_role("button", name="Show the mail").click()
    await expect(frame.get_by_role("heading", name="sora-2-pro is ready")).to_be_visible()


async def test_a_hostile_prompt_is_text_and_nothing_else(opening: Opening, stage: Stage) -> None:
    watch = await stage.register(HOSTILE, metadata={"<b>name": HOSTILE[:200]})
    await stage.until("/v1/deliveries", 1, watch_id=watch["id"])
    for path in ("/", f"/watches/{watch['id']}", f"/templates?watch={watch['id']}"):
        page = await opening(path)
        assert "owned" not in await page.title()
        assert await page.locator("main script, main img").count() == 0
    page = await opening(f"/watches/{watch['id']}")
    await expect(page.get_by_text('<script>document.title="owned"</script>').first).to_be_visible()


async def test_the_keyboard_alone_is_enough(opening: Opening, stage: Stage) -> None:
    watch = await stage.register("A moth circles a lamp [stuck]", destinations=["render-farm"], callback_url=None)
    page = await opening()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the content")).to_be_focused()
    await page.keyboard.press("Enter")
    link = page.locator(f"#{watch['id']} a")
    for _ in range(40):
        if await link.evaluate("each => each === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    outline = await link.evaluate("each => getComputedStyle(each).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Time line")).to_be_visible()
