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
        self._kept: dict[str, bytes] = {}
        self._turn = asyncio.Lock()

    async def keep(self, delivery_id: str, rendered: deliveries.Rendered) -> bytes | None:
        """Return, once it is committed, the body to send: this one, or one that is kept already.

        None when the lease is no longer ours.

        :raises StoreUnavailableError: the database is away.
        """
        self._waiting[delivery_id] = rendered
        async with self._turn:
            # Whoever has the turn first writes for all who came meanwhile.
            if delivery_id in self._waiting:
                await self._write(delivery_id)
        return self._kept.pop(delivery_id, None)

    async def _write(self, delivery_id: str) -> None:
        waiting, self._waiting = self._waiting, {}
        written = False
        try:
            async with self._database.write() as tx:
                kept = await deliveries.store_bodies(tx, waiting, self._owner)
            self._kept |= kept
            written = True
        finally:
            if not written:
                # The others write their own, or learn themselves why that does not work.
                self._waiting = waiting | self._waiting
                self._waiting.pop(delivery_id, None)
