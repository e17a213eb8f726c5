"""Stored destinations, with little said where little matters."""

from __future__ import annotations

from typing import Any

from bridge.models import DestinationDetail
from bridge.notifiers import create_notifiers
from bridge.registry import DestinationChange, NewDestination, Registry
from bridge.registry.again import Digests
from bridge.registry.destinations import DestinationDesk, unseal
from bridge.store import destinations
from tests.parts import Parts, Setting


async def store(parts: Parts, name: str, kind: str = "callback", **fields: Any) -> DestinationDetail:
    body = NewDestination.model_validate({"name": name, "kind": kind, **fields})
    return await parts.registry.destinations.create(body, created_by="ci")


async def change(parts: Parts, which: str, **fields: Any) -> DestinationDetail:
    return await parts.registry.destinations.patch(which, DestinationChange.model_validate(fields))


def registry_with(parts: Parts, *, watches_per_key: int | None = None, **desk: Any) -> Registry:
    """A registry on the same database whose desk or limit is another."""
    digests = Digests(b"pepper")
    return Registry(
        parts.database,
        DestinationDesk(parts.box, digests, Setting().policy, **desk),
        digests,
        parts.box,
        create_notifiers(parts.box, None),
        clock=parts.clock,
        bells=parts.bells,
        providers=["openai"],
        default_provider="openai",
        watch_timeout=60.0,
        watches_per_key=watches_per_key,
    )


async def settings_of(parts: Parts, destination_id: str) -> dict[str, Any]:
    """A destination's own settings as they are stored."""
    async with parts.database.read() as tx:
        _, sealed = (await destinations.told(tx, [destination_id]))[destination_id]
    return unseal(parts.box, destination_id, sealed)
