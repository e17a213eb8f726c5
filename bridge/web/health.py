"""Whether this process should be sent requests, and what to say about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import StoreError

PING_SECONDS = 1.0


class Phase(StrEnum):
    """How far the process has come."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Report:
    """The state of the process at one moment. ``loops`` says of each whether it is alive."""

    phase: Phase
    loops: Mapping[str, bool]
    database: bool

    @property
    def ready(self) -> bool:
        """Whether to send requests here.

        A database that is away does not count: every replica would be taken out of service at once, and clients
        would get a proxy's 503 in place of ours, which says why.
        """
        return self.phase is Phase.READY and all(self.loops.values())


class Readiness:
    """Told by the composition root how far the process has come; asked by ``/readyz``.

    :param loops: by name, a function that says whether the loop is alive.
    :param ping: returns when the database answers, raises :class:`bridge.errors.StoreError` when it does not.
    :param patience: how long to wait for the database, seconds.
    """

    def __init__(
        self,
        loops: Mapping[str, Callable[[], bool]],
        ping: Callable[[], Awaitable[None]],
        patience: float = PING_SECONDS,
    ) -> None:
        self._loops = loops
        self._ping = ping
        self._patience = patience
        self._stopping = asyncio.Event()
        self._phase = Phase.STARTING

    @property
    def phase(self) -> Phase:
        """How far the process has come."""
        return self._phase

    def ready(self) -> None:
        """Everything runs. Once the process is stopping, that stands."""
        if self._phase is Phase.STARTING:
            self._phase = Phase.READY

    def stop(self) -> None:
        """The process is stopping: no new requests, and those that only wait come to an end."""
        self._phase = Phase.STOPPING
        self._stopping.set()

    async def stopped(self) -> None:
        """Return as soon as the process is stopping."""
        await self._stopping.wait()

    async def report(self) -> Report:
        """The state right now; the database is asked, but not for long."""
        return Report(self._phase, {name: alive() for name, alive in self._loops.items()}, await self._reachable())

    async def _reachable(self) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                await self._ping()
        except (StoreError, TimeoutError):
            return False
        return True
