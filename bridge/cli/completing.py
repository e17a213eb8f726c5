"""What the shell proposes for names and ids: the server is asked, and when it is away nothing is proposed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.running import open_client
from bridge.errors import BridgeError

# Whoever presses the tab key waits for it, seconds.
_PATIENCE = 1.5
_NEWEST = 50
# zsh evaluates what it is proposed, and what a server says may come from strangers.
_HARMLESS = re.compile(r"[A-Za-z0-9._-]+")

Proposal = tuple[str, str]


def destination_names(incomplete: str) -> list[Proposal]:
    """Names of stored destinations, with their kind."""
    return _proposals(incomplete, BridgeClient.destinations, "name", "kind")


def provider_names(incomplete: str) -> list[Proposal]:
    """Names of providers, with how they stand."""
    return _proposals(incomplete, BridgeClient.providers, "name", "state")


def watch_ids(incomplete: str) -> list[Proposal]:
    """Ids of the newest watches, with their video."""
    return _proposals(incomplete, lambda client: client.watches({}, limit=_NEWEST), "id", "video_id")


def delivery_ids(incomplete: str) -> list[Proposal]:
    """Ids of the newest deliveries, with their status."""
    return _proposals(incomplete, lambda client: client.deliveries({}, limit=_NEWEST), "id", "status")


def _proposals(
    incomplete: str, ask: Callable[[BridgeClient], Awaitable[JsonObject]], value: str, told: str
) -> list[Proposal]:
    try:
        rows = asyncio.run(_rows(ask))
    except (BridgeError, TimeoutError, OSError):
        return []  # a message would land in the middle of the line that is being typed
    return list(_harmless(incomplete, rows, value, told))


def _harmless(incomplete: str, rows: list[JsonObject], value: str, told: str) -> Iterator[Proposal]:
    for row in rows:
        proposed, beside = str(row.get(value)), str(row.get(told))
        if proposed.startswith(incomplete) and _HARMLESS.fullmatch(proposed):
            yield proposed, beside if _HARMLESS.fullmatch(beside) else ""


async def _rows(ask: Callable[[BridgeClient], Awaitable[JsonObject]]) -> list[Any]:
    async with asyncio.timeout(_PATIENCE), open_client() as client:
        return list((await ask(client))["data"])
