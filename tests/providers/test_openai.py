"""Looking at videos over the wire, through the real door at a real server."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from bridge.egress import AddressPolicy, Door
from bridge.models import BadKey, Look, LostReason, Missing, Observed, SlowDown, Trouble, Video, VideoError, VideoStatus
from bridge.providers.base import Provider
from bridge.providers.budget import Budget
from bridge.providers.openai import OpenAIProvider
from bridge.settings import ProviderSettings
from bridge.simulator import SimulatorSettings
from tests.clock import AutoClock, ManualClock
from tests.providers.server import DONE, KEY, Answer, asking
from tests.servers import running_simulator

SEEN = Observed(Video("video_1", status=VideoStatus.COMPLETED))


def refusal(status: int, **error: object) -> Answer:
    return Answer(status, {"error": error})


async def look_at(*answers: Answer) -> Look:
    async with asking(*answers) as setup:
        return await setup.provider.look("video_1")


async def test_a_look_is_one_authorized_get() -> None:
    async with asking(DONE) as setup:
        assert await setup.provider.look("video_1") == SEEN
        (request,) = setup.server.asked
        assert (request.method, request.url.path, request.url.query) == ("GET", "/v1/videos/video_1", "")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["accept"] == "application/json"


async def test_it_is_a_provider_with_a_name_and_an_address() -> None:
    async with asking(DONE, name="azure") as setup:
        provider: Provider = setup.provider
        assert provider.name == "azure"
        assert provider.base_url.endswith("/v1")


IDS = [
    "a/b",
    "100%",
    "%2F",
    "a+b=",
    "sora-2:task_01",
    "a b",
    "Ünïcode-影片",
    "?x=1#y",
    "a\\b",
    "..%2f..",
    "a;b,c@d&e",
    "x" * 512,
]


@pytest.mark.parametrize("video_id", IDS)
async def test_an_id_is_one_path_segment_whatever_it_holds(video_id: str) -> None:
    async with asking(DONE) as setup:
        look = await setup.provider.look(video_id)
        (path,) = setup.server.paths
        assert path.count("/") == 3
        assert unquote(path.removeprefix("/v1/videos/")) == video_id
        assert isinstance(look, Observed)
        assert look.video.id == video_id


async def test_azure_is_sent_its_own_kind_of_key() -> None:
    async with asking(DONE, auth="api-key") as setup:
        await setup.provider.look("video_1")
        headers = setup.server.asked[0].headers
        assert headers["api-key"] == KEY
        assert "authorization" not in headers


@pytest.mark.parametrize("config", [{"auth": "none"}, {"api_key": None}, {"api_key": None, "auth": "api-key"}])
async def test_without_a_key_none_is_sent(config: dict[str, Any]) -> None:
    async with asking(DONE, **config) as setup:
        await setup.provider.look("video_1")
        headers = setup.server.asked[0].headers
        assert "authorization" not in headers
        assert "api-key" not in headers


async def test_configured_headers_and_query_go_with_every_request() -> None:
    async with asking(DONE, headers={"X-Team": "ads"}, query={"api-version": "a b&c"}) as setup:
        await setup.provider.look("video_1")
        (request,) = setup.server.asked
        assert request.headers["x-team"] == "ads"
        assert dict(request.query_params) == {"api-version": "a b&c"}


async def test_a_configured_header_takes_the_place_of_ours() -> None:
    async with asking(DONE, headers={"AUTHORIZATION": "Basic abc"}) as setup:
        await setup.provider.look("video_1")
        assert setup.server.asked[0].headers.getlist("authorization") == ["Basic abc"]


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [("2500", 2.5), ("1", 0.001), ("99999999999", 3600.0), ("0", None), ("-5", None), ("nan", None), ("soon", None)],
)
async def test_the_providers_wish_for_the_next_look_is_passed_on(wish: str, seconds: float | None) -> None:
    look = await look_at(Answer(200, {"status": "queued"}, {"openai-poll-after-ms": wish}))
    assert look == Observed(Video("video_1", status=VideoStatus.QUEUED), seconds)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(404, message="Video not found"),
        Answer(404, {"detail": "Video not found"}),
        Answer(404, b"<html>nothing here</html>"),
        Answer(410, b""),
        refusal(400, code="task_not_exist"),
        Answer(400, {"code": "TASK_NOT_EXIST", "message": "task not exist"}),
    ],
)
async def test_a_video_the_provider_does_not_know_is_missing(answer: Answer) -> None:
    look = await look_at(answer)
    assert isinstance(look, Missing)
    assert look.reason is LostReason.NOT_FOUND
    assert look.detail.startswith(f"HTTP {answer.status}")


async def test_a_video_that_is_not_ours_is_missing_too() -> None:
    assert await look_at(refusal(403, message="Forbidden")) == Missing(LostReason.FORBIDDEN, "HTTP 403 Forbidden")


async def test_a_refused_key_says_nothing_about_the_video() -> None:
    assert await look_at(refusal(401, code="invalid_api_key")) == BadKey("HTTP 401 invalid_api_key")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After-Ms": "1500", "Retry-After": "7"}, 7.0),
        ({"Retry-After-Ms": "1500"}, 1.5),
        ({"Retry-After": "Sun, 23 Nov 2025 03:53:50 GMT"}, 30.0),
    ],
)
async def test_too_many_requests_slow_us_down_without_another_try(
    headers: dict[str, str], seconds: float | None
) -> None:
    async with asking(Answer(429, {}, headers), DONE) as setup:
        assert await setup.provider.look("video_1") == SlowDown(seconds)
        assert len(setup.server.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 402, 405, 422, 451])
async def test_what_another_try_would_not_change_is_trouble_at_once(status: int) -> None:
    async with asking(Answer(status, {"message": "no"}, {"Location": "/elsewhere"}), DONE) as setup:
        assert await setup.provider.look("video_1") == Trouble(f"HTTP {status} no")
        assert len(setup.server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status, {"message": "busy"}) for status in (408, 409, 425, 500, 502, 503, 504, 599)),
        Answer(200, b"<html>please wait</html>"),
        Answer(200, ["completed"]),
        Answer(200, {"id": "video_1"}),
        Answer(204, b""),
        Answer(200, {"status": "completed"}, {"content-encoding": "gzip"}),
        Answer(200, b'{"status": "comp', cut=True),
        Answer(0),
    ],
    ids=str,
)
async def test_what_may_pass_is_tried_again(answer: Answer) -> None:
    async with asking(answer, DONE) as setup:
        assert await setup.provider.look("video_1") == SEEN
        assert len(setup.server.asked) == 2


async def test_after_three_tries_it_is_trouble() -> None:
    async with asking(refusal(500, code="oops", message="out of memory")) as setup:
        assert await setup.provider.look("video_1") == Trouble("HTTP 500 oops: out of memory")
        assert len(setup.server.asked) == len(setup.requests) == 3
        assert set(setup.requests) == {"retrieve"}


async def test_the_waits_between_tries_grow_and_stay_short() -> None:
    async with asking(Answer(500)) as setup:
        await setup.provider.look("video_1")
        first, second = setup.clock.slept
        assert 1 <= first <= 2 <= second <= 3


@pytest.mark.parametrize(("asked", "waited"), [("4", 4.0), ("60", 5.0)])
async def test_a_busy_provider_is_given_the_time_it_asks_for_up_to_five_seconds(asked: str, waited: float) -> None:
    async with asking(Answer(503, {}, {"Retry-After": asked}), DONE) as setup:
        await setup.provider.look("video_1")
        assert setup.clock.slept == [waited]


async def test_a_verdict_after_a_failed_try_counts() -> None:
    assert await look_at(Answer(500), Answer(404)) == Missing(LostReason.NOT_FOUND, "HTTP 404")


async def test_every_try_takes_its_turn_in_the_budget() -> None:
    async with asking(Answer(500), rate=0.1) as setup:
        start = setup.clock.monotonic()
        await setup.provider.look("video_1")
        assert setup.clock.monotonic() - start == pytest.approx(20)


async def test_a_reply_that_is_too_large_is_trouble() -> None:
    async with asking(Answer(200, {"extra": "x" * 2**20, "status": "completed"}), DONE) as setup:
        assert await setup.provider.look("video_1") == Trouble("HTTP 200 with a reply that is too large")
        assert len(setup.server.asked) == 1


async def test_a_reply_that_said_everything_before_it_broke_off_is_read() -> None:
    async with asking(Answer(200, b'{"status": "completed"}', cut=True)) as setup:
        assert await setup.provider.look("video_1") == SEEN
        assert len(setup.server.asked) == 1


async def test_a_refusal_that_broke_off_is_still_a_refusal() -> None:
    assert await look_at(Answer(404, b'{"error": {"mess', cut=True)) == Missing(LostReason.NOT_FOUND, "HTTP 404")


async def test_a_silent_provider_is_trouble() -> None:
    async with asking(DONE, timeout=0.05) as setup:
        setup.server.gate = asyncio.Event()
        assert await setup.provider.look("video_1") == Trouble("no answer (timeout)")
        assert len(setup.server.asked) == 3


async def test_a_provider_that_is_down_is_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    config, clock = ProviderSettings(name="sim", base_url=f"http://127.0.0.1:{port}"), AutoClock()
    door = Door(AddressPolicy(anywhere=True))
    provider = OpenAIProvider(config, door, Budget(10, clock), clock)
    assert await provider.look("video_1") == Trouble("no answer (connect)")
    await door.aclose()


async def test_an_address_that_may_not_be_dialled_is_not_tried_again() -> None:
    async with asking(DONE, policy=AddressPolicy()) as setup:
        assert await setup.provider.look("video_1") == Trouble("no answer (blocked_address)")
        assert setup.requests == ["retrieve"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
async def test_no_detail_shows_what_the_request_carried(status: int) -> None:
    said = {"code": KEY, "message": f"key {KEY}, header header-value, query%20value, query value\n" * 50}
    async with asking(refusal(status, **said), headers={"X-A": "header-value"}, query={"b": "query value"}) as setup:
        look = await setup.provider.look("video_1")
    assert isinstance(look, BadKey | Missing | Trouble)
    assert look.detail.startswith(f"HTTP {status} ***: key ***, header ***, ***, ***")
    assert len(look.detail) <= 200
    assert "\n" not in look.detail


async def test_the_error_of_a_video_tells_nobody_what_the_request_carried() -> None:
    said = f"upstream refused Bearer {KEY} of a preview"
    look = await look_at(Answer(200, {"status": "failed", "error": {"code": "denied", "message": said}}))
    assert isinstance(look, Observed)
    assert look.video.error == VideoError("denied", "upstream refused Bearer *** of a preview")


@pytest.mark.parametrize(
    ("answer", "look"), [(Answer(401), BadKey("HTTP 401")), (Answer(429), SlowDown(None))], ids=str
)
async def test_a_refusal_of_us_also_answers_those_who_wait_their_turn(
    answer: Answer, look: Look, clock: ManualClock
) -> None:
    async with asking(answer, DONE, rate=1.0, clock=clock) as setup:
        looks = [asyncio.create_task(setup.provider.look(f"video_{n}")) for n in range(20)]
        await looks[0]
        await clock.advance(30)
        assert [await each for each in looks] == [look] * 20
        assert len(setup.server.asked) == 1


async def test_looks_begun_after_a_refusal_do_ask() -> None:
    async with asking(Answer(401), DONE) as setup:
        assert isinstance(await setup.provider.look("video_1"), BadKey)
        assert await setup.provider.look("video_1") == SEEN


async def test_a_video_shown_ends_the_refusal_for_those_who_still_wait(clock: ManualClock) -> None:
    async with asking(Answer(500), Answer(429), DONE, clock=clock) as setup:
        waiting = asyncio.create_task(setup.provider.look("video_1"))
        while not setup.server.asked:
            await asyncio.sleep(0)
        for expected in (SlowDown(None), SEEN):
            await clock.advance(0.1)
            assert await setup.provider.look("video_1") == expected
        # The first is still between its tries, which began before the refusal.
        while not waiting.done():
            await clock.advance(1)
        assert await waiting == SEEN


async def test_a_look_can_be_cut_short_and_the_next_one_goes_on() -> None:
    async with asking(DONE) as setup:
        setup.server.gate = asyncio.Event()
        hanging = asyncio.create_task(setup.provider.look("video_1"))
        while not setup.server.asked:
            await asyncio.sleep(0)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        setup.server.gate.set()
        assert await setup.provider.look("video_1") == SEEN


async def test_a_video_is_followed_through_its_whole_life(auto_clock: AutoClock) -> None:
    door = Door(AddressPolicy(anywhere=True))
    async with running_simulator(SimulatorSettings(duration=10, queue_share=0.1), auto_clock) as simulated:
        config = ProviderSettings(name="sim", base_url=simulated.base_url)
        provider = OpenAIProvider(config, door, Budget(10, auto_clock), auto_clock)
        video = simulated.simulator.create("A cat on a sofa")
        seen = []
        for seconds in (0, 5, 10):
            auto_clock.advance(seconds)
            look = await provider.look(video.id)
            seen.append(look.video.status if isinstance(look, Observed) else None)
        assert seen == [VideoStatus.QUEUED, VideoStatus.IN_PROGRESS, VideoStatus.COMPLETED]
        assert isinstance(await provider.look("video_unknown"), Missing)
    await door.aclose()


async def test_secrets_stay_out_of_what_a_provider_shows_of_itself() -> None:
    async with asking(DONE, api_key=SecretStr(KEY)) as setup:
        await setup.provider.look("video_1")
        assert KEY not in repr(setup.provider)
        assert KEY not in json.dumps(setup.requests)
