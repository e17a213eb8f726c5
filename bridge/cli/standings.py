"""Asks a server whether something is wrong with the providers of the videos that are followed, beside following them.

A provider that refuses our key, or does not answer, shows no progress: whoever waits should not have to guess why.
It is a courtesy, as forecasts are: a refusal or a server that is away costs nothing but these notes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from bridge.cli.client import BridgeClient
from bridge.cli.exits import CommandError, RefusedError
from bridge.cli.follow import PASSING
from bridge.clock import Clock

# Most videos show something at their first look; only then is it time to wonder.
_FIRST = 3.0
_EVERY = 5.0


class Notes(Protocol):
    """A reporter that shows what is wrong with providers."""

    def amiss(self, notes: Sequence[str]) -> None:
        """A line for each provider with which something is wrong now; none once all is well again."""
        ...


@asynccontextmanager
async def minding_providers(
    client: BridgeClient, clock: Clock, notes: Notes, names: Collection[str]
) -> AsyncIterator[None]:
    """Tell ``notes`` of trouble with the providers of these names for as long as the block lasts."""
    asking = asyncio.create_task(_mind(client, clock, notes, frozenset(names)))
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.wait([asking])


async def _mind(client: BridgeClient, clock: Clock, notes: Notes, names: Collection[str]) -> None:
    await clock.sleep(_FIRST)
    told: list[str] = []
    while True:
        try:
            listed = await client.providers()
        except CommandError as error:
            if isinstance(error, RefusedError) and error.status not in PASSING:
                return  # an older server, or a key that may not ask: asking again is no use
        else:
            wrong = [each for each in listed["data"] if each["name"] in names and each["reason"] is not None]
            now = [f"{each['name']}: {each['reason']}" for each in wrong]
            if now != told:
                notes.amiss(now)
            told = now
        await clock.sleep(_EVERY)
