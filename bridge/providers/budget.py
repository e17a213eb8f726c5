"""How often one provider is asked: evenly spaced requests, never a burst."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal

from bridge.clock import Clock
from bridge.providers.ledger import TOLERANCE, WINDOW, Block, Ledger, rate_at

Kind = Literal["retrieve", "list"]
PAGES_IN_A_ROW = 3
"""So many pages of a list are asked for while a look waits."""


def lateness_forgiven(rate: float) -> float:
    """By how much a request may be later than its slot without moving the slots that follow, seconds.

    So much that in any five seconds there is never one more than without any: requests that are up to t late are, in
    those, as many as there are slots in 5 + t seconds.
    """
    spare = 1.0 - math.fmod(WINDOW * rate, 1.0)
    return min(TOLERANCE, 0.9 * spare / rate)


class Budget:
    """Hands out permissions to send one request, at most ``rate`` per second.

    By itself it spaces requests evenly: the first goes at once, each further one has its slot ``1 / rate`` seconds
    after the one before; in any five seconds that is at most ``5 * rate + 1``. Whoever waited for a slot and was woken
    a little late does not move those that follow: five milliseconds each time would cost a tenth of 20 requests/s.
    Where replicas share a budget it hands out what was reserved for it (:mod:`bridge.providers.ledger`), each slot at
    its moment.

    Looks and list pages wait in queues of their own. While there are both, :data:`PAGES_IN_A_ROW` pages go for each
    look, because a page observes many videos; looks never wait longer than for these.

    :param rate: requests per second, above 0.
    :param clock: of a shared budget the one that all replicas go by.
    :param shared: whether slots are reserved for it by :meth:`grant`.
    """

    def __init__(self, rate: float, clock: Clock, *, shared: bool = False) -> None:
        if not rate > 0:
            raise ValueError("the rate must be above 0")
        self.rate = rate
        self.shared = shared
        self.ledger = Ledger()
        """What this process knows of the book that replicas share."""
        self.on_short: Callable[[], None] | None = None
        """Called when somebody waits and no slot is reserved."""
        self._clock = clock
        self._next = clock.monotonic()
        # Times by the monotonic clock: what is promised here keeps its moment when the clock is set.
        self._held_until = self._next
        self._waiting: Counter[Kind] = Counter()
        self._pages_in_a_row = 0
        self._moved = asyncio.Event()
        self._slots: deque[float] = deque()
        self._granted = asyncio.Event()
        self._queues: dict[Kind, asyncio.Lock] = {"retrieve": asyncio.Lock(), "list": asyncio.Lock()}
        self._turn = asyncio.Lock()

    @property
    def allowed(self) -> float:
        """The rate that is allowed now, requests/s: less than ``rate`` after a 429."""
        return rate_at(self.ledger, self.rate, self._clock.now())

    @property
    def held_until(self) -> float:
        """Until when the provider said that nothing is left, Unix seconds."""
        return self._held_until - self._clock.monotonic() + self._clock.now()

    def short(self, more: int = 0) -> int:
        """How many slots are missing for those who wait.

        :param more: who are about to wait, too.
        """
        if not self.shared:
            return 0
        self._drop_stale()
        return max(0, self._waiting.total() + more - len(self._slots))

    def grant(self, block: Block) -> None:
        """Slots were reserved for this process."""
        ahead = self._clock.now() - self._clock.monotonic()
        self._slots.extend(slot - ahead for slot in block.slots())
        self._granted.set()

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long: the provider said that nothing is left until then."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    async def acquire(self, kind: Kind = "retrieve") -> None:
        """Return when the next request may be sent.

        Callers of one kind are served in order; a cancelled one costs no slot.
        """
        self._waiting[kind] += 1
        asked_at = self._clock.monotonic()
        try:
            async with self._queues[kind]:
                while not self._may_go(kind):
                    await self._moved.wait()
                async with self._turn:
                    await (self._slot() if self.shared else self._space(asked_at))
                    self._pages_in_a_row = self._pages_in_a_row + 1 if kind == "list" else 0
        finally:
            self._waiting[kind] -= 1
            self._moved.set()
            self._moved = asyncio.Event()

    def _may_go(self, kind: Kind) -> bool:
        """Whether it is this kind's turn; of two kinds that wait it is always that of one."""
        if not self._waiting["retrieve" if kind == "list" else "list"]:
            return True
        return (kind == "list") is (self._pages_in_a_row < PAGES_IN_A_ROW)

    async def _space(self, asked_at: float) -> None:
        # A loop, because a sleep may end a little early.
        while (wait := max(self._next, self._held_until) - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
        slot = max(self._next, self._held_until, asked_at)
        # A very late waker must not be followed too closely.
        rate = self.allowed
        self._next = max(slot, self._clock.monotonic() - lateness_forgiven(rate)) + 1 / rate

    async def _slot(self) -> None:
        while True:
            self._drop_stale()
            if not self._slots:
                self._granted.clear()
                if self.on_short is not None:
                    self.on_short()
                await self._granted.wait()
                continue
            wait = max(self._slots[0], self._held_until) - self._clock.monotonic()
            if wait <= 0:
                self._slots.popleft()
                return
            await self._clock.sleep(wait)

    def _drop_stale(self) -> None:
        """Late slots are lost: somebody else's may stand beside them."""
        now = self._clock.monotonic()
        while self._slots and self._slots[0] + TOLERANCE < now:
            self._slots.popleft()
