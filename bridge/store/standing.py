"""What must outlive a restart beside the queue itself: providers' standing, the key check and the pepper."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select

from bridge.secrets import SecretBox
from bridge.store.database import Transaction
from bridge.store.dialects import upsert
from bridge.store.tables import providers, settings

PEPPER = "pepper"
"""Name of the fact that is the random key of our digests."""


async def pepper(tx: Transaction, box: SecretBox) -> bytes:
    """The random key of our digests, made once and kept encrypted.

    Reading it proves that the keys at hand are those of this database.

    :raises SecretsError: they are not.
    """
    stored = (await tx.execute(select(settings.c.value).where(settings.c.name == PEPPER))).scalar_one_or_none()
    if stored is not None:
        return box.decrypt(stored, "settings.pepper")
    fresh = secrets.token_bytes(32)
    await tx.execute(insert(settings).values(name=PEPPER, value=box.encrypt(fresh, "settings.pepper")))
    return fresh


async def provider_health(tx: Transaction, *, hold: bool = False) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The last known standing of each provider, with the base URL it belongs to.

    :param hold: keep it as it is until the transaction ends, to write what follows from it.
    """
    query = select(providers.c.name, providers.c.base_url, providers.c.health).order_by(providers.c.name)
    if hold:
        query = query.with_for_update()
    return {row[0]: (row[1], row[2]) for row in await tx.execute(query)}


def amiss(health: Mapping[str, Any]) -> str | None:
    """What is wrong with a provider that stands so, for people; None when nothing is."""
    return health["reason"] or health.get("silence")


async def keep_provider_health(
    tx: Transaction, name: str, base_url: str, health: Mapping[str, Any], now: float
) -> None:
    """Remember a provider's standing."""
    row = {"name": name, "base_url": base_url, "health": dict(health), "updated_at": now}
    await upsert(tx, providers, [row], key=("name",), update=("base_url", "health", "updated_at"))
