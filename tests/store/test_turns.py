"""Writers take turns: those whom somebody waits for first, the others in time."""

from __future__ import annotations

import asyncio

import pytest

from bridge.store.turns import IN_A_ROW, Turns


class Queue:
    """Writers that wait for their turn behind one that has it, and in which order they had theirs."""

    def __init__(self, turns: Turns) -> None:
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = turns

    async def join(self, *names: str) -> None:
        """Let writers come one after the other; those of a capital letter go ahead."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._write(name))
            await asyncio.sleep(0)

    async def served(self) -> str:
        """In which order they had their turns, once all have."""
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return "".join(self.order)

    async def _write(self, name: str) -> None:
        async with self._turns.one(ahead=name.isupper()):
            self.order.append(name)
            await asyncio.sleep(0)


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def queue(turns: Turns) -> Queue:
    return Queue(turns)


async def test_those_who_go_ahead_have_the_next_turn_in_the_order_they_came(turns: Turns, queue: Queue) -> None:
    async with turns.one(ahead=False):
        await queue.join(*"abAcB")
    assert await queue.served() == "ABabc"


async def test_the_others_have_a_turn_after_a_few(turns: Turns, queue: Queue) -> None:
    async with turns.one(ahead=False):
        await queue.join(*"ab", *"ABCDEFGHI")
    assert IN_A_ROW == 4
    assert await queue.served() == "ABCDaEFGHbI"


async def test_a_turn_is_handed_on_to_who_waits_not_to_who_comes_just_then(turns: Turns, queue: Queue) -> None:
    async with turns.one(ahead=False):
        await queue.join("a")
    await queue.join("A")
    assert await queue.served() == "aA"


async def test_only_one_has_a_turn_whatever_the_one_before_did(turns: Turns, queue: Queue) -> None:
    async def fail() -> None:
        async with turns.one(ahead=False):
            await queue.join(*"aA")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await queue.served() == "Aa"


@pytest.mark.parametrize("at_once", [False, True], ids=["while it waits", "when its turn comes"])
async def test_who_is_cancelled_keeps_nobody_waiting(turns: Turns, queue: Queue, at_once: bool) -> None:
    async with turns.one(ahead=False):
        await queue.join(*"ab")
        if not at_once:
            queue.tasks["a"].cancel()
    queue.tasks["a"].cancel()
    assert await queue.served() == "b"
