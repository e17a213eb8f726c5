"""Reads that go wrong, as a client meets them."""

from __future__ import annotations

import asyncio

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from bridge.simulator import Fault, FaultRates, Reply, Simulator, SimulatorSettings
from tests.clock import AutoClock, ManualClock
from tests.servers import running_simulator

pytestmark = pytest.mark.usefixtures("direct")


async def test_a_rate_limit_says_when_to_come_back(clock: ManualClock) -> None:
    settings = SimulatorSettings(faults=FaultRates(rate_limited=1), retry_after=7)
    async with running_simulator(settings, clock) as provider, httpx.AsyncClient(trust_env=False) as http:
        response = await http.get(f"{provider.base_url}/videos")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(("seconds", "header"), [(0.25, "0.25"), (86_400, "86400"), (12_345_678, "12345678")])
async def test_the_time_to_come_back_is_a_plain_number(clock: ManualClock, seconds: float, header: str) -> None:
    async with running_simulator(SimulatorSettings(retry_after=seconds), clock) as provider:
        provider.simulator.set_outage(429)
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{provider.base_url}/videos")).headers["retry-after"] == header


async def test_a_server_error_is_an_error_object(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    simulator.fault_next(Fault.SERVER_ERROR)
    with pytest.raises(openai.InternalServerError) as failed:
        await sdk.videos.retrieve("video_1")
    assert (failed.value.status_code, failed.value.type) == (500, "server_error")


async def test_a_page_of_html_comes_with_status_200(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault_next(Fault.NOT_JSON)
    response = await http.get("/videos/video_1")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<!doctype html>")


async def test_a_reset_closes_the_connection_without_an_answer(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault_next(Fault.RESET)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await http.get("/videos/video_1")
    assert (await http.get("/videos")).status_code == 200


async def test_a_hang_answers_nothing_until_the_client_leaves(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault_next(Fault.HANG)
    with pytest.raises(httpx.ReadTimeout):
        await http.get("/videos/video_1", timeout=0.05)
    assert (await http.get("/videos")).status_code == 200


async def test_a_hang_ends_at_its_limit(auto_clock: AutoClock) -> None:
    settings = SimulatorSettings(faults=FaultRates(hang=1), hang_limit=45)
    async with running_simulator(settings, auto_clock) as provider, httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await http.get(f"{provider.base_url}/videos")
    assert auto_clock.slept == [45]


async def test_a_server_that_stops_cuts_what_hangs(clock: ManualClock) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        async with running_simulator(SimulatorSettings(faults=FaultRates(hang=1)), clock) as provider:
            hanging = asyncio.create_task(http.get(f"{provider.base_url}/videos"))
            await provider.simulator.until(lambda: provider.simulator.lists == 1)
        with pytest.raises(httpx.TransportError):
            await hanging


async def test_faults_leave_everything_but_reads_alone(clock: ManualClock) -> None:
    settings = SimulatorSettings(duration=0, faults=FaultRates(server_error=1))
    async with (
        running_simulator(settings, clock) as provider,
        AsyncOpenAI(base_url=provider.base_url, api_key="any", max_retries=0) as sdk,
    ):
        video = await sdk.videos.create(prompt="A cat")
        remix = await sdk.videos.remix(video.id, prompt="A dog")
        await sdk.videos.download_content(remix.id)
        assert (await sdk.videos.delete(video.id)).deleted
        with pytest.raises(openai.InternalServerError):
            await sdk.videos.list()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (418, openai.APIStatusError),
        (429, openai.RateLimitError),
        (502, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_an_outage_refuses_every_read_until_it_is_over(
    sdk: AsyncOpenAI, simulator: Simulator, status: int, error: type[openai.APIStatusError]
) -> None:
    video = simulator.create("A cat")
    simulator.set_outage(status)
    with pytest.raises(error) as refused:
        await sdk.videos.retrieve(video.id)
    assert (refused.value.status_code, simulator.retrieves[video.id]) == (status, 1)
    simulator.clear_outage()
    assert (await sdk.videos.retrieve(video.id)).id == video.id


async def test_an_answer_can_be_given_word_for_word(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault_next(Reply(400, b'{"code": "task_not_exist"}', {"x-odd": "yes"}), video_id="video_1")
    response = await http.get("/videos/video_1")
    assert (response.status_code, response.json()) == (400, {"code": "task_not_exist"})
    assert response.headers["x-odd"] == "yes"
