"""Encrypting everything in the database anew, with the first key of ``BRIDGE_SECRET_KEY``.

In small steps, each a commit of its own: on PostgreSQL servers go on meanwhile, and a rotation that was killed goes on
where it was when it is started again. The pepper comes last. It is what a server opens first, so none starts without
the old key while anything else may need that.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bridge.app.opening import open_existing
from bridge.clock import Clock, SystemClock
from bridge.errors import SecretsError
from bridge.secrets import SecretBox
from bridge.settings import Settings
from bridge.store import Database, scrub_file, sealed

BATCH = 100
"""So many destinations are encrypted anew in one transaction."""

ROUNDS = 3
"""How often the table is gone through: a server that still encrypts with an older key may add to it meanwhile."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did.

    :param key_id: of the key that encrypts now.
    :param resealed: so many secrets it encrypted anew.
    :param damaged: ids of destinations whose settings no key opens.
    :param left: so many are encrypted with another key all the same: a server with other settings is at work.
    """

    key_id: str
    resealed: int
    damaged: tuple[str, ...] = ()
    left: int = 0

    @property
    def done(self) -> bool:
        """Whether everything is encrypted with the first key."""
        return not self.damaged and not self.left


async def rotate_secrets(settings: Settings, clock: Clock | None = None) -> Rotation:
    """Encrypt everything anew in the database that the settings name.

    On SQLite no server may be using the file. What was encrypted with the old key is not left in its free pages.

    :raises ConfigurationError: the database, or none of the keys, can be used.
    """
    async with AsyncExitStack() as stack:
        database, box = await open_existing(settings, clock or SystemClock(), stack)
        rotation = await _rotate(database, box)
        if settings.database_file is not None:
            await asyncio.to_thread(scrub_file, settings.database_file.resolve())
    return rotation


async def _rotate(database: Database, box: SecretBox) -> Rotation:
    resealed = 0
    damaged: set[str] = set()
    for _ in range(ROUNDS):
        number = await _go_through(database, box, damaged)
        resealed += number
        if not number:
            break
    resealed += await _reseal_facts(database, box)
    async with database.read() as tx:
        left = await sealed.number_beyond(tx, {box.key_id}) - len(damaged)
    return Rotation(box.key_id, resealed, tuple(sorted(damaged)), left)


async def _go_through(database: Database, box: SecretBox, damaged: set[str]) -> int:
    """Encrypt every destination anew that needs it, in the order of ids; how many that were."""
    resealed, after = 0, ""
    while True:
        async with database.write() as tx:
            await database.alone(tx, "registry")
            found = await sealed.of_other_keys(tx, box.key_id, after, BATCH)
            if not found:
                return resealed
            fresh: dict[str, bytes] = {}
            for destination_id, secret in found.items():
                try:
                    fresh[destination_id] = box.reseal(secret, f"destinations.{destination_id}")
                except SecretsError:
                    damaged.add(destination_id)
            await sealed.keep(tx, fresh, box.key_id)
        resealed += len(fresh)
        after = max(found)


async def _reseal_facts(database: Database, box: SecretBox) -> int:
    async with database.write() as tx:
        stale = {
            name: secret
            for name, secret in (await sealed.facts(tx)).items()
            if not secret.startswith(f"{box.key_id}:".encode())
        }
        for name, secret in stale.items():
            await sealed.keep_fact(tx, name, box.reseal(secret, f"settings.{name}"))
    return len(stale)
