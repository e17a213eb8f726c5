"""Bells that ring in every replica: LISTEN and NOTIFY of PostgreSQL.

A ring may be lost (a connection that breaks, a pooler in transaction mode, which swallows LISTEN): every loop looks at
its table now and then all the same. Ringing costs one NOTIFY per tick, however many bells were rung.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bridge.clock import Clock
from bridge.ids import new_id
from bridge.logs import get_logger
from bridge.store.postgresql import connecting

CHANNEL = "video_bridge"
# What is rung within so short a time is told together, seconds.
_TICK = 0.02
_CHECK_EVERY = 30.0
_RECONNECT = 2.0
_UNHEARD_AFTER = 5.0


class Ringing(Protocol):
    """A bell, as far as other replicas hear of it."""

    tell: Callable[[], None] | None

    def wake(self) -> None:
        """Wake all who wait here."""
        ...


class Herald:
    """Tells the other replicas which bells were rung here, and rings here which were rung there.

    :param url: the database, as in ``BRIDGE_DATABASE_URL``.
    :param bells: by the name under which all replicas know them.
    """

    name = "herald"

    def __init__(self, url: str, bells: Mapping[str, Ringing], clock: Clock) -> None:
        self._how = connecting(url)
        self._bells = bells
        self._clock = clock
        self._id = new_id("herald")
        self._rung: set[str] = set()
        self._news = asyncio.Event()
        self._heard = False
        self._lost = False
        self._log = get_logger("bridge.herald")
        self.alive = False
        for name, bell in bells.items():
            bell.tell = self._teller(name)

    async def run(self, stop: asyncio.Event, grace: float = 0.0) -> None:
        """Listen and tell until ``stop`` is set, connecting anew whenever the connection is lost."""
        self.alive = True
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                session = asyncio.ensure_future(self._session())
                await asyncio.wait({session, stopped}, return_when=asyncio.FIRST_COMPLETED)
                session.cancel()
                (ended,) = await asyncio.gather(session, return_exceptions=True)
                if stop.is_set():
                    break
                self._say_lost(ended)
                pause = asyncio.ensure_future(self._clock.sleep(_RECONNECT))
                await asyncio.wait({pause, stopped}, return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()
        finally:
            self.alive = False
            stopped.cancel()

    def _teller(self, name: str) -> Callable[[], None]:
        def tell() -> None:
            self._rung.add(name)
            self._news.set()

        return tell

    async def _session(self) -> None:
        """One connection, from its making until it breaks."""
        connection = await self._how.connect()
        try:
            await connection.add_listener(CHANNEL, self._on_notice)
            if self._lost:
                self._lost = False
                self._log.info("listening_again")
            for bell in self._bells.values():  # what was told meanwhile
                bell.wake()
            await self._tell_on(connection)
        finally:
            connection.terminate()

    async def _tell_on(self, connection: Any) -> None:
        since = self._clock.monotonic()
        said = False
        while True:
            try:
                async with asyncio.timeout(_CHECK_EVERY if self._heard or said else _UNHEARD_AFTER):
                    await self._news.wait()
                await self._clock.sleep(_TICK)
            except TimeoutError:
                pass  # an empty notice shows whether the connection still lives
            self._news.clear()
            rung, self._rung = self._rung, set()
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, " ".join((self._id, *sorted(rung))))
            if not (self._heard or said) and self._clock.monotonic() - since > 2 * _UNHEARD_AFTER:
                said = True
                self._log.warning("notices_not_heard", hint="a pooler in transaction mode? polling goes on")

    def _on_notice(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        sender, *names = payload.split()
        if sender == self._id:
            self._heard = True
            return
        for name in names:
            if name in self._bells:
                self._bells[name].wake()

    def _say_lost(self, error: BaseException | None) -> None:
        if not self._lost:
            self._log.warning("not_listening", error=str(error))
        self._lost = True
