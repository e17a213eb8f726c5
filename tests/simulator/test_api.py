"""The Videos API as its own SDK sees it, over a real socket."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai import AsyncOpenAI

from bridge.simulator import Simulator, SimulatorSettings
from tests.clock import ManualClock
from tests.servers import running_simulator

pytestmark = pytest.mark.usefixtures("direct")


async def test_a_video_is_created_with_everything_that_was_asked(sdk: AsyncOpenAI) -> None:
    video = await sdk.videos.create(prompt="A cat", model="sora-2-pro", seconds="8", size="1280x720")
    assert (video.object, video.status, video.progress) == ("video", "queued", 0)
    assert (video.model, video.seconds, video.size) == ("sora-2-pro", "8", "1280x720")
    assert video.created_at == 1_763_870_000


async def test_a_reference_picture_is_taken_and_ignored(sdk: AsyncOpenAI) -> None:
    video = await sdk.videos.create(prompt="A cat", input_reference=("cat.png", b"\x89PNG" * 1000, "image/png"))
    assert (video.prompt, video.model, video.seconds, video.size) == ("A cat", "sora-2", "4", "720x1280")


async def test_a_video_is_followed_to_its_end(sdk: AsyncOpenAI, clock: ManualClock) -> None:
    video_id = (await sdk.videos.create(prompt="A cat")).id
    course = []
    for _ in range(4):
        video = await sdk.videos.retrieve(video_id)
        course.append((video.status, video.progress))
        await clock.advance(4)
    assert course == [("queued", 0), ("in_progress", 33), ("in_progress", 77), ("completed", 100)]


async def test_the_poll_helper_of_the_sdk_waits_for_the_end(clock: ManualClock) -> None:
    async with (
        running_simulator(SimulatorSettings(duration=10, poll_after=0.01), clock) as provider,
        AsyncOpenAI(base_url=provider.base_url, api_key="any", max_retries=0) as sdk,
    ):
        polling = asyncio.create_task(sdk.videos.create_and_poll(prompt="A cat"))
        async with asyncio.timeout(2):  # by itself it would ask once a second
            await provider.simulator.until(lambda: provider.simulator.retrieves.total() > 3)
        assert not polling.done()
        await clock.advance(10)
        video = await polling
        assert (video.status, video.progress) == ("completed", 100)


async def test_a_failed_video_is_an_answer_and_no_error(sdk: AsyncOpenAI, clock: ManualClock) -> None:
    video = await sdk.videos.create(prompt="A cat [fail=moderation_blocked]")
    await clock.advance(10)
    video = await sdk.videos.retrieve(video.id)
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == "moderation_blocked"


async def test_the_list_pages_by_itself(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    ids = [simulator.create(f"Cat {number}").id for number in range(7)]
    assert [video.id async for video in sdk.videos.list(limit=3)] == ids[::-1]
    assert [video.id async for video in sdk.videos.list(limit=3, order="asc")] == ids
    assert simulator.lists == 6


async def test_a_page_has_twenty_videos_and_goes_on_after_an_id(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    ids = [simulator.create("A cat").id for _ in range(25)]
    first = await sdk.videos.list(order="asc")
    assert ([video.id for video in first.data], first.has_more) == (ids[:20], True)
    rest = await sdk.videos.list(order="asc", after=ids[19])
    assert ([video.id for video in rest.data], rest.has_more) == (ids[20:], False)


async def test_a_page_of_nothing_only_says_that_there_is_more(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    simulator.create("A cat")
    page = await sdk.videos.list(limit=0)
    assert (page.data, page.has_more, page.last_id) == ([], True, None)


async def test_a_deleted_video_is_gone(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    video_id = simulator.create("A cat").id
    deleted = await sdk.videos.delete(video_id)
    assert (deleted.id, deleted.deleted, deleted.object) == (video_id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        await sdk.videos.retrieve(video_id)


async def test_a_remix_starts_from_a_completed_video(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    source = await sdk.videos.create(prompt="A cat [duration=0]", seconds="12", size="1024x1792")
    remix = await sdk.videos.remix(source.id, prompt="A dog")
    assert (remix.remixed_from_video_id, remix.prompt, remix.status) == (source.id, "A dog", "queued")
    assert (remix.seconds, remix.size) == ("12", "1024x1792")


async def test_an_unfinished_video_cannot_be_remixed(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    source = simulator.create("A cat")
    with pytest.raises(openai.BadRequestError, match="Only a completed video"):
        await sdk.videos.remix(source.id, prompt="A dog")


@pytest.mark.parametrize(
    ("variant", "media_type", "magic"),
    [
        ("video", "video/mp4", slice(4, 8)),
        ("thumbnail", "image/webp", slice(8, 12)),
        ("spritesheet", "image/jpeg", slice(0, 2)),
    ],
)
async def test_the_files_of_a_completed_video_are_real(
    sdk: AsyncOpenAI, simulator: Simulator, variant: str, media_type: str, magic: slice
) -> None:
    video = simulator.create("[duration=0]")
    content = await sdk.videos.download_content(video.id, variant=variant)  # type: ignore[arg-type]
    assert content.response.headers["content-type"] == media_type
    assert content.content[magic] in (b"ftyp", b"WEBP", b"\xff\xd8")


async def test_the_video_is_what_is_downloaded_by_default(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    content = await sdk.videos.download_content(simulator.create("[duration=0]").id)
    assert content.response.headers["content-type"] == "video/mp4"


async def test_there_is_nothing_to_download_before_the_end(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    with pytest.raises(openai.NotFoundError, match="not ready") as refused:
        await sdk.videos.download_content(simulator.create("A cat").id)
    assert refused.value.code == "video_not_ready"


async def test_there_is_nothing_to_download_of_a_failed_video(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    with pytest.raises(openai.BadRequestError, match="failed") as refused:
        await sdk.videos.download_content(simulator.create("[fail=nsfw] [duration=0]").id)
    assert refused.value.code == "nsfw"


async def test_files_expire_after_an_hour(sdk: AsyncOpenAI, simulator: Simulator, clock: ManualClock) -> None:
    video = simulator.create("[duration=0]")
    await clock.advance(3599)
    await sdk.videos.download_content(video.id)
    await clock.advance(1)
    with pytest.raises(openai.NotFoundError, match="expired"):
        await sdk.videos.download_content(video.id)


async def test_an_unknown_video_is_not_found_with_an_error_object(sdk: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        await sdk.videos.retrieve("video_none")
    error = refused.value
    assert (error.type, error.param, error.code) == ("not_found_error", "video_id", "video_not_found")
    assert error.request_id is not None
    assert error.request_id.startswith("req_")


@pytest.mark.parametrize("video_id", ["a/b", "sora-2:task_01", "video_YQ==", "ünïcode 100%", "%2F", "a?b#c"])
async def test_any_id_is_one_segment_of_the_path(sdk: AsyncOpenAI, simulator: Simulator, video_id: str) -> None:
    simulator.create("A cat [duration=0]", video_id=video_id)
    assert (await sdk.videos.retrieve(video_id)).id == video_id
    assert (await sdk.videos.download_content(video_id)).content[4:8] == b"ftyp"
    assert simulator.retrieves == {video_id: 1}


@pytest.mark.parametrize("key", ["wrong", "sk-right2", "sk-righ"])
async def test_a_wrong_key_is_refused_everywhere(key: str, clock: ManualClock) -> None:
    async with (
        running_simulator(SimulatorSettings(api_key="sk-right"), clock) as provider,
        AsyncOpenAI(base_url=provider.base_url, api_key=key, max_retries=0) as sdk,
    ):
        with pytest.raises(openai.AuthenticationError) as refused:
            await sdk.videos.create(prompt="A cat")
        assert (refused.value.code, refused.value.type) == ("invalid_api_key", "authentication_error")
        assert provider.simulator.jobs == {}


async def test_the_right_key_is_let_in(clock: ManualClock) -> None:
    async with (
        running_simulator(SimulatorSettings(api_key="sk-right"), clock) as provider,
        AsyncOpenAI(base_url=provider.base_url, api_key="sk-right", max_retries=0) as sdk,
    ):
        assert (await sdk.videos.create(prompt="A cat")).status == "queued"
