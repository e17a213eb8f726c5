"""What was learned about jobs and providers, as :mod:`bridge.pacing` writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import delete, select, tuple_

from bridge.store.database import Transaction
from bridge.store.dialects import upsert
from bridge.store.tables import durations, tempos

Key = tuple[str, str, str, str]
"""Provider, model, seconds, size; an empty word stands for any."""

_KEY = (durations.c.provider, durations.c.model, durations.c.seconds, durations.c.size)
_BATCH = 200
_Item = TypeVar("_Item")


async def learned(tx: Transaction, keys: Collection[Key]) -> dict[Key, Mapping[str, Any]]:
    """What is known of those of these groups of jobs of which anything is."""
    found: dict[Key, Mapping[str, Any]] = {}
    for some in _batches(sorted(keys)):
        rows = await tx.execute(select(*_KEY, durations.c.learned).where(tuple_(*_KEY).in_(some)))
        found |= {(row[0], row[1], row[2], row[3]): row[4] for row in rows}
    return found


async def keep_learned(tx: Transaction, rows: Mapping[Key, Mapping[str, Any]], now: float) -> None:
    """Remember what groups of jobs say by now."""
    values = [
        {
            "provider": key[0],
            "model": key[1],
            "seconds": key[2],
            "size": key[3],
            "learned": dict(row),
            "updated_at": now,
        }
        for key, row in sorted(rows.items())
    ]
    for some in _batches(values):
        await upsert(
            tx, durations, some, key=("provider", "model", "seconds", "size"), update=("learned", "updated_at")
        )


async def tempos_of(tx: Transaction, providers: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """How those of these providers are asked that ever were."""
    query = select(tempos.c.provider, tempos.c.tempo).where(tempos.c.provider.in_(providers))
    return {row[0]: row[1] for row in await tx.execute(query)}


async def keep_tempos(tx: Transaction, rows: Mapping[str, Mapping[str, Any]], now: float) -> None:
    """Remember how providers are asked."""
    values = [{"provider": name, "tempo": dict(tempo), "updated_at": now} for name, tempo in sorted(rows.items())]
    await upsert(tx, tempos, values, key=("provider",), update=("tempo", "updated_at"))


async def forget(tx: Transaction, provider: str) -> None:
    """Forget a provider: another server is behind its name."""
    await tx.execute(delete(durations).where(durations.c.provider == provider))
    await tx.execute(delete(tempos).where(tempos.c.provider == provider))


async def forget_old(tx: Transaction, before: float) -> None:
    """Forget groups no job of which finished since then: names that are new each time must not fill the table."""
    await tx.execute(delete(durations).where(durations.c.updated_at < before))


def _batches(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    """A statement takes only so many parameters."""
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
