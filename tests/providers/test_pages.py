"""Pages of a list: what servers send, and how they are asked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.models import SlowDown, Trouble, VideoStatus
from bridge.providers.pages import Listed, ListedRow, ListRefused, read_page
from bridge.providers.parsing import Unreadable
from tests.clock import ManualClock
from tests.providers.server import Answer, asking


def row(name: object, **more: Any) -> dict[str, Any]:
    return {"id": name, "status": "queued", **more}


def ids(body: object, limit: int = 100) -> tuple[list[str], str | None]:
    rows, cursor = read_page(json.dumps(body).encode(), limit)
    return [each.id for each in rows], cursor


def test_a_page_as_the_api_says() -> None:
    page = {"object": "list", "data": [row("a"), row("b")], "first_id": "a", "last_id": "b", "has_more": True}
    assert ids(page) == (["a", "b"], "b")
    assert ids(page | {"has_more": False}) == (["a", "b"], None)


def test_a_full_page_that_does_not_say_so_has_more() -> None:
    assert ids({"data": [row("a"), row("b")]}, limit=2) == (["a", "b"], "b")
    assert ids({"data": [row("a")]}, limit=2) == (["a"], None)


def test_a_cursor_of_the_servers_own_goes_before_the_last_row() -> None:
    assert ids({"data": [row("encoded")], "last_id": "raw", "has_more": True}) == (["encoded"], "raw")
    assert ids({"data": [], "last_id": "raw", "has_more": True}) == ([], "raw")
    assert ids({"data": [], "last_id": None, "has_more": True}) == ([], None)


@pytest.mark.parametrize("odd", [None, 1, "text", {}, {"id": 1, "status": "queued"}, {"id": "a"}, row("x" * 513)])
def test_a_row_nobody_could_have_registered_is_left_out(odd: object) -> None:
    assert ids({"data": [odd, row("b")]}) == (["b"], None)


@pytest.mark.parametrize("name", ["\ud800", "a\0b", ""])
def test_an_id_that_cannot_be_stored_is_left_out(name: str) -> None:
    assert ids({"data": [row(name), row("b")], "last_id": name, "has_more": True}) == (["b"], "b")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data": {}}', b'{"data": null}', b"null"])
def test_what_is_no_page_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_page(body, 100)


def test_a_row_is_read_like_the_answer_to_a_single_look() -> None:
    video = ListedRow("a", row("other", status="Succeeded", progress="33%", seconds=8)).video()
    assert video is not None
    assert (video.id, video.status, video.progress, video.seconds) == ("a", VideoStatus.COMPLETED, 33, "8")
    assert ListedRow("a", {"id": "a", "status": 7}).video() is None


async def test_the_newest_hundred_are_asked_for_and_then_those_after_a_cursor() -> None:
    page = Answer(200, {"data": [row("a")], "last_id": "a+/=", "has_more": True})
    async with asking(page, query={"model": "x"}) as setup:
        listed = await setup.provider.list_page()
        assert isinstance(listed, Listed)
        await setup.provider.list_page(listed.cursor)
        queries = [request.query_params for request in setup.server.asked]
    assert [dict(each) for each in queries] == [
        {"model": "x", "limit": "100", "order": "desc"},
        {"model": "x", "limit": "100", "order": "desc", "after": "a+/="},
    ]
    assert setup.requests == ["list", "list"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422, 501])
async def test_a_list_that_is_refused_is_no_trouble(status: int) -> None:
    async with asking(Answer(status)) as setup:
        assert await setup.provider.list_page() == ListRefused(f"HTTP {status}")


async def test_a_page_that_is_none_is_a_refusal() -> None:
    async with asking(Answer(200, b"<html>")) as setup:
        assert await setup.provider.list_page() == ListRefused("HTTP 200, but the reply is not JSON")


@pytest.mark.parametrize("answer", [Answer(500), Answer(503), Answer(408), Answer(0)], ids=str)
async def test_trouble_is_not_tried_again_by_itself(answer: Answer) -> None:
    async with asking(answer) as setup:
        assert isinstance(await setup.provider.list_page(), Trouble)
        assert setup.requests == ["list"]


async def test_a_page_that_breaks_off_is_trouble() -> None:
    async with asking(Answer(200, {"data": []}, cut=True)) as setup:
        assert isinstance(await setup.provider.list_page(), Trouble)


async def test_a_page_may_be_larger_than_a_video() -> None:
    page = {"data": [row(f"video_{n}", prompt="x" * 30_000) for n in range(100)]}
    async with asking(Answer(200, page)) as setup:
        listed = await setup.provider.list_page()
    assert isinstance(listed, Listed)
    assert len(listed.rows) == 100


async def test_a_429_also_answers_the_pages_that_wait_their_turn(clock: ManualClock) -> None:
    async with asking(Answer(429), rate=1.0, clock=clock) as setup:
        pages = [asyncio.create_task(setup.provider.list_page()) for _ in range(5)]
        await pages[0]
        await clock.advance(10)
        assert [await each for each in pages] == [SlowDown(None)] * 5
        assert setup.requests == ["list"]


async def test_who_has_nothing_left_is_not_asked_before_the_reset() -> None:
    empty = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12.5s"}
    async with asking(Answer(200, row("a"), empty), Answer(200, row("a"))) as setup:
        await setup.provider.look("a")
        began = setup.clock.now()
        await setup.provider.look("a")
        assert setup.clock.now() - began == pytest.approx(12.5, abs=0.1)


def test_a_row_is_cleaned_like_a_single_look() -> None:
    told = {"id": "v1", "status": "failed", "error": {"message": "key sk-1 was refused"}}
    rows, _ = read_page(json.dumps({"data": [told]}).encode(), 100, lambda video: replace(video, error=None))
    video = rows[0].video()
    assert video is not None
    assert video.error is None
