"""Keeps what was rendered before it is sent: many deliveries at once, one commit."""

from __future__ import annotations

import asyncio

from bridge.store import deliveries
from bridge.store.database import Database


class BodyKeeper:
    """Stores bodies, all that are waiting in one transaction.

    :param owner: who holds the leases.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._waiting: dict[str, deliveries.Rendered] = {}
        self._turn = asyncio.Lock()

    async def keep(self, delivery_id: str, rendered: deliveries.Rendered) -> None:
        """Return once the body is committed.

        :raises StoreUnavailableError: the database is away.
        """
        self._waiting[delivery_id] = rendered
        async with self._turn:
            # Whoever has the turn first writes for all who came meanwhile.
            if delivery_id not in self._waiting:
                return
            waiting, self._waiting = self._waiting, {}
            written = False
            try:
                async with self._database.write() as tx:
                    await deliveries.store_bodies(tx, waiting, self._owner)
                written = True
            finally:
                if not written:
                    # The others write their own, or learn themselves why that does not work.
                    self._waiting = waiting | self._waiting
                    self._waiting.pop(delivery_id, None)
