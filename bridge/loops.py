"""What the poller and the sender have in common: claim, work, record, wait; and a bell to wake them.

A loop drains what is due, then waits for whatever comes first: a result, the next due time, the bell or the order to
stop. Results are recorded together, one transaction for all that are there. Work in flight is finished on stop, within
a grace; what is cut then is given back. One bad item never stops the rest; a loop that dies takes the process down.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from bridge.clock import Clock
from bridge.errors import StoreUnavailableError
from bridge.logs import get_logger

Item = TypeVar("Item")
Result = TypeVar("Result")

# Without a bell a loop looks at its table this often: for rows of other processes, and as a safety net.
IDLE_SECONDS = 5.0
AWAY_SECONDS = 1.0
# A turn that found nothing to claim is not repeated sooner, whatever the table says is due: no loop spins.
SHORTEST_PAUSE = 0.01
# So many pieces of work are begun, or reported, before others on the event loop have their turn. What was begun in one
# go is often answered in one go, too; with eight at a time such a go takes three times as long.
AT_A_TIME = 2
# So many results are written in one transaction while people wait for their turn to write.
PORTION = 32
# A loop spends at most half of its time on turns, as long as no turn takes longer than this, seconds.
LONGEST_GATHERING = 0.05


class Bell:
    """Wakes everybody who waits: "something changed, look at the table". Losing a ring costs only time."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()
        self.tell: Callable[[], None] | None = None
        """Called when it is rung here, so that other processes hear of it."""

    def ring(self) -> None:
        """Wake all who wait now, here and elsewhere."""
        self.wake()
        if self.tell is not None:
            self.tell()

    def wake(self) -> None:
        """Wake all who wait here."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def waiter(self) -> asyncio.Future[None]:
        """A future that is done at the next ring. Ask for it before looking at the table, so that no ring is missed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(future)
        future.add_done_callback(self._waiters.discard)
        return future


class Running(Protocol):
    """What runs beside the server for as long as the process lives."""

    name: str
    alive: bool

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        """Work until ``stop`` is set, then finish what is in flight within ``grace`` seconds."""
        ...


class Loop(ABC, Generic[Item, Result]):
    """One loop over a table that is a queue. Subclasses say what to claim, how to work and what to record."""

    name = "loop"

    def __init__(self, clock: Clock, bell: Bell) -> None:
        self._clock = clock
        self.bell = bell
        self.alive = False
        self._away = False
        self._log = get_logger(f"bridge.{self.name}")
        self._tasks: dict[asyncio.Task[Result], Item] = {}
        self._results: list[Result] = []
        self._news: asyncio.Future[None] | None = None
        self.pressed: Callable[[], bool] = lambda: False
        """Whether people wait for their turn to write. Then results go in portions, and theirs comes in between."""
        self._spent = 0.0  # how long the last turn took, seconds

    @abstractmethod
    async def claim(self) -> Sequence[Item]:
        """Take a lease on as many due items as there is room for now."""

    async def take(self) -> tuple[Sequence[Item], float | None]:
        """Claim, and say when there will be more to claim, Unix seconds; None when nothing waits.

        One that can tell both at once overrides this. Here there may be more whenever something was claimed.
        """
        items = await self.claim()
        return items, self._clock.now() if items else await self.next_due()

    @abstractmethod
    async def work(self, item: Item) -> Result:
        """Do the slow part, outside of any transaction."""

    @abstractmethod
    async def record(self, results: Sequence[Result]) -> None:
        """Write all results in one transaction."""

    @abstractmethod
    async def release(self, items: Sequence[Item]) -> None:
        """Give up the leases of items whose work was cut."""

    @abstractmethod
    async def next_due(self) -> float | None:
        """When the next item is due, Unix seconds, or None when nothing waits."""

    @property
    def in_flight(self) -> Sequence[Item]:
        """The items being worked on."""
        return list(self._tasks.values())

    async def run(self, stop: asyncio.Event, grace: float = 20.0) -> None:
        """Work until ``stop`` is set, then finish what is in flight within ``grace`` seconds."""
        self.alive = True
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                bell = self.bell.waiter()
                began = self._clock.monotonic()
                pause = await self.tick()
                self._spent = self._clock.monotonic() - began
                await self._wait(pause, bell, stopped)
            await self._finish(grace)
        finally:
            self.alive = False
            stopped.cancel()
            for task in self._tasks:  # there are some only when this loop dies; their leases run out
                task.cancel()

    async def tick(self) -> float:
        """One turn: record what is finished, claim what is due, start it. Returns how long nothing is due, seconds."""
        try:
            await self._record_finished()
            items, due = await self.take()
            for number, item in enumerate(items, 1):
                task = asyncio.create_task(self.work(item), name=f"{self.name}-work")
                task.add_done_callback(self._on_done)
                self._tasks[task] = item
                if number % AT_A_TIME == 0:
                    await asyncio.sleep(0)
        except StoreUnavailableError as error:
            if not self._away:
                self._log.warning("database_away", error=str(error))
            self._away = True
            return AWAY_SECONDS
        if self._away:
            self._away = False
            self._log.info("database_back")
        shortest = 0.0 if items else SHORTEST_PAUSE
        return IDLE_SECONDS if due is None else min(max(shortest, due - self._clock.now()), IDLE_SECONDS)

    async def _wait(self, pause: float, bell: asyncio.Future[None], stopped: asyncio.Future[Any]) -> None:
        """Wait for a result, the bell, the end of the pause or the order to stop, whichever is first."""
        if any(task.done() for task in self._tasks):
            bell.cancel()
            return
        timer = asyncio.ensure_future(self._clock.sleep(pause))
        self._news = asyncio.get_running_loop().create_future()
        waited: set[asyncio.Future[Any]] = {timer, bell, stopped, self._news}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._news.done() and not bell.done():
                await self._gather(stopped)
        finally:
            timer.cancel()
            bell.cancel()
            self._news = None

    async def _gather(self, stopped: asyncio.Future[Any]) -> None:
        """One result is here. While turns take long and more results are on their way, they are worth waiting for."""
        pause = min(self._spent, LONGEST_GATHERING)
        if pause > 0 and self._tasks:
            await asyncio.wait({stopped}, timeout=pause)

    def _on_done(self, task: asyncio.Task[Result]) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _collect(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            item = self._tasks.pop(task)
            if task.cancelled():
                continue
            error = task.exception()
            if error is None:
                self._results.append(task.result())
            else:
                # A bug in one item's work: its lease runs out and it is tried again later, the others go on.
                self._log.error("work_failed", item=repr(item), exc_info=error)

    async def _record_finished(self) -> None:
        self._collect()
        left, self._results = self._results, []
        while left:
            portion = PORTION if self.pressed() else len(left)
            results, left = left[:portion], left[portion:]
            try:
                await self.record(results)
            except StoreUnavailableError:
                self._results = [*results, *left, *self._results]
                raise
            except Exception as error:  # one result that cannot be written must not cost the others
                self._log.error("record_failed", results=len(results), exc_info=error)
                await self._record_one_by_one(results)

    async def _record_one_by_one(self, results: Sequence[Result]) -> None:
        """One of several results cannot be written: find it, write the others."""
        for result in results:
            try:
                await self.record([result])
            except StoreUnavailableError:
                self._results.append(result)
            except Exception as error:  # its lease runs out and it is tried again later
                self._log.error("result_dropped", result=repr(result), exc_info=error)

    async def _finish(self, grace: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        cut = {task: item for task, item in self._tasks.items() if not task.done()}
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        for task in cut:
            self._tasks.pop(task, None)
        try:
            await self._record_finished()
            if cut:
                await self.release(list(cut.values()))
        except StoreUnavailableError as error:
            self._log.warning("database_away_at_stop", error=str(error), unreleased=len(cut))
