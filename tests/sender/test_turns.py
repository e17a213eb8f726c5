"""A turn of the sender claims what is due, and says when there will be more to claim."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.loops import PORTION
from tests.clock import ManualClock
from tests.parts import Parts, sql
from tests.sender.events import ended


async def two_due(parts: Parts, hook: str) -> str:
    """Two deliveries for one host; the second one's watch."""
    await ended(parts, "video_1", callback_url=hook)
    return (await ended(parts, "video_2", callback_url=hook)).watch.id


async def test_with_what_it_claims_it_says_when_the_next_is_due(
    parts: Parts, hook: str, clock: ManualClock, tmp_path: Path
) -> None:
    later = await two_due(parts, hook)
    sql(tmp_path, f"UPDATE deliveries SET next_at = next_at + 7 WHERE watch_id = '{later}'")
    claimed, due = await parts.sender.take()
    assert [each.video["id"] for each in claimed] == ["video_1"]
    assert due == clock.now() + 7


async def test_what_there_is_no_place_for_is_not_due(parts: Parts, hook: str) -> None:
    await two_due(parts, hook)
    sender = parts.new_sender(room=1)
    claimed, due = await sender.take()
    assert [each.video["id"] for each in claimed] == ["video_1"]
    assert due is None


async def test_of_a_host_that_has_its_share_nothing_more_is_due(parts: Parts, hook: str) -> None:
    await two_due(parts, hook)
    sender = parts.new_sender(room=2)  # of which one host may have one
    claimed, due = await sender.take()
    assert [each.video["id"] for each in claimed] == ["video_1"]
    assert due is None


async def test_a_look_at_an_empty_table_waits_for_no_writer(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.database.write():
        assert await parts.sender.take() == ([], None)


async def test_once_nothing_is_found_it_only_reads_again(parts: Parts, hook: str) -> None:
    await ended(parts, callback_url=hook)
    await parts.send()
    async with asyncio.timeout(5), parts.database.write():
        assert await parts.sender.take() == ([], None)


async def test_while_people_wait_to_write_it_claims_a_portion_and_more_at_once(parts: Parts) -> None:
    for number in range(PORTION + 1):
        await ended(parts, f"video_{number}", callback_url=f"http://127.0.0.{number + 2}:9/")  # one host has few places
    parts.sender.pressed = lambda: True
    claimed, due = await parts.sender.take()
    assert len(claimed) == PORTION
    assert due is not None
    assert due <= parts.database.now()
    parts.sender.pressed = lambda: False
    assert len((await parts.sender.take())[0]) == 1
