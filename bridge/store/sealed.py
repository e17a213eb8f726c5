"""All that is encrypted in the database, by the key it is encrypted with: what a rotation goes through.

The destinations' settings and the pepper. Whatever else is ever stored encrypted belongs here, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, func, select, update

from bridge.store.database import Transaction
from bridge.store.tables import destinations, settings


async def of_other_keys(tx: Transaction, key_id: str, after: str, limit: int) -> dict[str, bytes]:
    """Settings of destinations that are encrypted with another key than this one, by the destination's id, in order.

    They are held as they are until the transaction ends.

    :param after: only ids beyond this one.
    """
    query = (
        select(destinations.c.id, destinations.c.config)
        .where(destinations.c.config_key != key_id, destinations.c.id > after)
        .order_by(destinations.c.id)
        .limit(limit)
        .with_for_update()
    )
    return {row[0]: row[1] for row in await tx.execute(query)}


async def keep(tx: Transaction, resealed: Mapping[str, bytes], key_id: str) -> None:
    """Write settings of destinations, by id, as they are encrypted now."""
    if resealed:
        await tx.execute(
            update(destinations)
            .where(destinations.c.id == bindparam("row"))
            .values(config=bindparam("sealed"), config_key=key_id),
            [{"row": row, "sealed": sealed} for row, sealed in resealed.items()],
        )


async def number_beyond(tx: Transaction, key_ids: Collection[str]) -> int:
    """How many destinations are encrypted with keys that are none of these."""
    query = select(func.count()).select_from(destinations).where(destinations.c.config_key.not_in(key_ids))
    return int((await tx.execute(query)).scalar_one())


async def facts(tx: Transaction) -> dict[str, bytes]:
    """The encrypted facts about this installation, by name, held as they are until the transaction ends."""
    query = select(settings.c.name, settings.c.value).order_by(settings.c.name).with_for_update()
    return {row[0]: row[1] for row in await tx.execute(query)}


async def keep_fact(tx: Transaction, name: str, sealed: bytes) -> None:
    """Write one of these facts as it is encrypted now."""
    await tx.execute(update(settings).where(settings.c.name == name).values(value=sealed))
