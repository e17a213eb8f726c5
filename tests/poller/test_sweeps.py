"""What a page of a list shows is written down once, whoever reads it."""

from __future__ import annotations

from pathlib import Path

from tests.clock import ManualClock
from tests.parts import settle
from tests.poller.asking import column
from tests.poller.sweeping import Sweeping, sweeper_of, sweeping
from tests.receiver import Receiver

__all__ = ["sweeping"]


async def test_one_page_observes_all_that_are_on_it(sweeping: Sweeping, tmp_path: Path) -> None:
    async with sweeping() as swept:
        await swept.register(12)
        await swept.live(0)
        assert swept.requests == (1, 0)
    assert column(tmp_path, "last_look", "videos") == ["observed"] * 12
    assert column(tmp_path, "looks", "videos") == [1] * 12


async def test_everyone_is_told_once(sweeping: Sweeping, receiver: Receiver, hook: str) -> None:
    async with sweeping() as swept:
        await swept.register(8, "a cat", hook)
        await swept.live(14, step=1)
        await swept.parts.send()
    assert len({call.json["data"]["id"] for call in receiver.received}) == len(receiver.received) == 8


async def test_two_replicas_do_not_read_one_list(sweeping: Sweeping) -> None:
    async with sweeping() as swept:
        other = await sweeper_of(swept.parts)
        await swept.register(12)
        await settle(swept.sweeper)
        await swept.parts.clock.advance(2)
        await settle(other)
        assert swept.requests == (1, 0)


async def test_the_next_process_remembers_what_was_learned(
    sweeping: Sweeping, tmp_path: Path, clock: ManualClock
) -> None:
    async with sweeping(list_refusal=404) as swept:
        await swept.register(12)
        await swept.live(0)
        again = await sweeper_of(swept.parts)
        await clock.advance(5)
        await settle(again)
        assert swept.requests[0] == 1
