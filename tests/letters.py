"""A loop on a table that is a dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.errors import StoreUnavailableError
from bridge.loops import Bell, Loop
from tests.clock import ManualClock


class Letters(Loop[str, str]):
    """Letters are due at a time; the work is to write them in capitals."""

    name = "letters"

    def __init__(self, clock: ManualClock, room: int = 3) -> None:
        super().__init__(clock, Bell())
        self.room = room
        self.due: dict[str, float] = {}
        self.held_up: dict[str, asyncio.Event] = {}
        self.unworkable: set[str] = set()
        self.unrecordable: set[str] = set()
        self.away = False
        self.turns = 0
        self.recorded: list[list[str]] = []
        self.released: list[str] = []

    def put(self, *letters: str, due: float = 0.0) -> None:
        self.due.update(dict.fromkeys(letters, due))

    def hold_up(self, letter: str) -> asyncio.Event:
        """Work on this letter takes until the event is set."""
        self.put(letter)
        return self.held_up.setdefault(letter, asyncio.Event())

    def done(self) -> str:
        return "".join(letter for turn in self.recorded for letter in turn)

    async def claim(self) -> Sequence[str]:
        self._ask()
        self.turns += 1
        due = [letter for letter, at in self.due.items() if at <= self._clock.now()]
        taken = due[: max(0, self.room - len(self.in_flight))]
        for letter in taken:
            del self.due[letter]
        return taken

    async def work(self, item: str) -> str:
        if item in self.held_up:
            await self.held_up[item].wait()
        if item in self.unworkable:
            raise RuntimeError("cannot be worked on")
        return item.upper()

    async def record(self, results: Sequence[str]) -> None:
        self._ask()
        if self.unrecordable & set(results):
            raise ValueError("cannot be written")
        self.recorded.append(list(results))

    async def release(self, items: Sequence[str]) -> None:
        self._ask()
        self.released += items

    async def next_due(self) -> float | None:
        return min(self.due.values(), default=None)

    def _ask(self) -> None:
        if self.away:
            raise StoreUnavailableError("away")


@asynccontextmanager
async def running(loop: Letters, clock: ManualClock, grace: float = 5.0) -> AsyncIterator[asyncio.Event]:
    """Runs the loop until the block ends; yields the order to stop."""
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop, grace))
    await clock.settle()
    try:
        yield stop
    finally:
        stop.set()
        await task
