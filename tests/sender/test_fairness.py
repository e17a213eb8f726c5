"""How many places a host may hold, and that one that hangs never keeps the others waiting."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sender.fairness import Shares
from tests.clock import ManualClock
from tests.parts import Parts, open_parts, settle
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended

HANGING, GOOD = "http://127.0.0.2:9/", "http://127.0.0.3:9/"


def test_a_host_begins_with_few_places() -> None:
    assert Shares(64).of("new.example") == 4


def test_quick_answers_bring_more_up_to_three_quarters_of_the_room() -> None:
    shares = Shares(64)
    for _ in range(100):
        shares.answered("a.example", 0.1, reached=True)
    assert shares.of("a.example") == 48


def test_a_slow_answer_costs_half_and_none_all_but_one() -> None:
    shares = Shares(64)
    for _ in range(16):
        shares.answered("a.example", 0.1, reached=True)
    shares.answered("a.example", 3.0, reached=True)
    assert shares.of("a.example") == 10
    shares.answered("a.example", 15.0, reached=False)
    assert shares.of("a.example") == 1


@pytest.mark.parametrize("room", [1, 2, 64])
def test_everybody_has_a_place_at_least(room: int) -> None:
    shares = Shares(room)
    shares.answered("a.example", 15.0, reached=False)
    assert (shares.of("a.example"), shares.of("b.example") >= 1) == (1, True)


@given(st.lists(st.tuples(st.integers(0, 9_000), st.floats(0, 20), st.booleans()), max_size=50))
def test_no_history_takes_all_places_or_the_last_one(history: list[tuple[int, float, bool]]) -> None:
    shares = Shares(64)
    for host, seconds, reached in history:
        shares.answered(str(host), seconds, reached=reached)
        assert 1 <= shares.of(str(host)) <= 48


def test_only_so_many_hosts_are_remembered() -> None:
    shares = Shares(64)
    for number in range(5000):
        shares.answered(str(number), 15.0, reached=False)
    assert (shares.of("0"), shares.of("4999")) == (4, 1)


async def backlog(parts: Parts, url: str, number: int) -> None:
    for each in range(number):
        await ended(parts, f"{url}{each}", callback_url=f"{url}{each}")


async def test_a_host_with_much_due_leaves_the_places_to_the_others(tmp_path: Path, clock: ManualClock) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await backlog(parts, HANGING, 30)
        await backlog(parts, GOOD, 3)
        claimed = await parts.sender.claim()
    assert Counter(each.host for each in claimed) == {"127.0.0.2": 4, "127.0.0.3": 3}


async def test_pages_full_of_a_busy_host_are_turned(tmp_path: Path, clock: ManualClock) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        sender = parts.new_sender(room=6)
        await backlog(parts, HANGING, 30)
        await backlog(parts, GOOD, 1)
        assert "127.0.0.3" in {each.host for each in await sender.claim()}


async def test_first_attempts_go_before_retries_but_not_for_ever(
    tmp_path: Path, clock: ManualClock, hook: str, receiver: Receiver
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, "old", callback_url="http://127.0.0.2:9/")
        await settle(parts.sender)
        await clock.advance(6)
        await ended(parts, "new", callback_url="http://127.0.0.3:9/")
        assert [each.video["id"] for each in await parts.new_sender(room=1).claim()] == ["new"]
        await ended(parts, "newer", callback_url="http://127.0.0.4:9/")
        await clock.advance(60)
        assert [each.video["id"] for each in await parts.new_sender(room=1).claim()] == ["old"]
