"""A person clicks on the link in a notification and sees the video; who has no link sees nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import bridge
from bridge.clock import SystemClock
from bridge.simulator import Simulator, SimulatorSettings, create_simulator
from tests.harness import bridge_settings, serving
from tests.parts import sql
from tests.receiver import Receiver
from tests.servers import http_client, running_server

FILMS = Path(bridge.__file__).parent / "simulator" / "files"
KEY = {"authorization": "Bearer sk-simulated-key-0123456789"}


@dataclass(frozen=True)
class Clicked:
    """A person's browser, the event that told of the video, and the provider that made it."""

    browser: httpx.AsyncClient
    event: dict[str, Any]
    provider: Simulator

    async def open(self, name: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Open one of the links of the event."""
        return await self.browser.request(method, urlsplit(self.event["watch"][name]).path, headers=headers)


@asynccontextmanager
async def told_of_a_video(
    folder: Path, settings: SimulatorSettings | None = None, **environ: str
) -> AsyncIterator[Clicked]:
    receiver = Receiver()
    simulator = create_simulator(settings or SimulatorSettings(duration=0.1), SystemClock())
    async with (
        running_server(simulator) as provider,
        running_server(receiver.app) as hook,
        http_client() as client,
    ):
        made = await client.post(f"{provider}/v1/videos", json={"prompt": "a cat"}, headers=KEY)
        known = {"BRIDGE_PUBLIC_URL": "https://bridge.example", **environ}
        async with serving(bridge_settings(folder, f"{provider}/v1", **known)) as url:
            body = {"video_id": made.json()["id"], "callback_url": f"{hook}/done"}
            await client.post(f"{url}/v1/watches", json=body)
            (call,) = await receiver.wait_for(1)
            async with http_client(base_url=url) as browser:
                yield Clicked(browser, call.json, simulator.state.simulator)


async def test_the_link_shows_the_video(tmp_path: Path) -> None:
    async with told_of_a_video(tmp_path) as clicked:
        shown = await clicked.open("content_url")
        assert shown.content == (FILMS / "video.mp4").read_bytes()
        assert shown.headers["content-type"] == "video/mp4"
        assert shown.headers["content-disposition"].startswith('inline; filename="video_')
        picture = await clicked.open("thumbnail_url")
        assert picture.content == (FILMS / "thumbnail.webp").read_bytes()
        assert picture.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_player_may_ask_for_a_part(tmp_path: Path) -> None:
    async with told_of_a_video(tmp_path) as clicked:
        part = await clicked.open("content_url", Range="bytes=4-7")
        assert (part.status_code, part.content) == (206, (FILMS / "video.mp4").read_bytes()[4:8])
        assert part.headers["content-range"].startswith("bytes 4-7/")
        beyond = await clicked.open("content_url", Range="bytes=99999999-")
        assert beyond.status_code == 416


async def test_a_head_is_answered_without_the_film(tmp_path: Path) -> None:
    async with told_of_a_video(tmp_path) as clicked:
        head = await clicked.open("content_url", "HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) == (FILMS / "video.mp4").stat().st_size


async def test_a_link_that_was_changed_leads_nowhere(tmp_path: Path) -> None:
    async with told_of_a_video(tmp_path) as clicked:
        path = urlsplit(clicked.event["watch"]["content_url"]).path
        for changed in (path[:-1] + ("A" if path[-1] != "A" else "B"), path.replace(".v", ".t"), "/media/x"):
            answer = await clicked.browser.get(changed)
            assert answer.status_code == 404
            assert "leads nowhere" in answer.text


@pytest.mark.parametrize("environ", [{"BRIDGE_LINK_DAYS": "0.000000001"}, {}], ids=["the link", "the provider's file"])
async def test_what_is_too_old_is_a_page_that_says_so(tmp_path: Path, environ: dict[str, str]) -> None:
    settings = SimulatorSettings(duration=0.1, files_last=3600 if environ else 0)
    async with told_of_a_video(tmp_path, settings, **environ) as clicked:
        page = await clicked.open("content_url")
        assert page.status_code == 410
        assert page.headers["content-type"].startswith("text/html")
        assert f'href="/watches/{clicked.event["watch"]["id"]}"' in page.text


async def test_without_a_public_url_there_are_no_links(tmp_path: Path) -> None:
    async with told_of_a_video(tmp_path, BRIDGE_PUBLIC_URL="") as clicked:
        assert (clicked.event["watch"]["content_url"], clicked.event["watch"]["thumbnail_url"]) == (None, None)


async def test_the_archive_shows_what_the_provider_has_deleted(tmp_path: Path) -> None:
    async with told_of_a_video(tmp_path, BRIDGE_ARCHIVE_DIR=str(tmp_path / "archive")) as clicked:
        while sql(tmp_path, "SELECT count(*) FROM archives WHERE status = 'kept'") != [(2,)]:
            answer = await clicked.open("content_url")
            assert answer.status_code == 200
        clicked.provider.delete(clicked.event["data"]["id"])
        kept = await clicked.open("content_url", Range="bytes=0-3")
        assert (kept.status_code, kept.content) == (206, (FILMS / "video.mp4").read_bytes()[:4])
        picture = await clicked.open("thumbnail_url")
        assert picture.content == (FILMS / "thumbnail.webp").read_bytes()
