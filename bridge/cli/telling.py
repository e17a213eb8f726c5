"""Whether what a followed watch had to tell has arrived: said at the end, for the exit code is about the video."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from bridge.cli.client import BridgeClient, JsonObject
from bridge.cli.exits import CommandError
from bridge.clock import Clock

# A delivery begins as its watch ends. So long, seconds, it may take before it is worth a word.
GRACE = 1.0


async def settled(client: BridgeClient, clock: Clock, watches: Sequence[JsonObject]) -> list[JsonObject]:
    """The watches as they are once their first attempts had time to end; as they were where the server does not say."""
    if any(_pending(watch) for watch in watches):
        await clock.sleep(GRACE)
    return await asyncio.gather(*(_now(client, watch) for watch in watches))


def untold_lines(watches: Sequence[JsonObject]) -> Iterator[str]:
    """What was not delivered, and the command that shows more of it."""
    for status, one, many, hint in (
        ("pending", "delivery is still pending", "deliveries are still pending", "when it is tried next"),
        ("failed", "delivery has failed", "deliveries have failed", "why"),
    ):
        having = [watch for watch in watches if watch["deliveries"][status]]
        number = sum(watch["deliveries"][status] for watch in having)
        words = f"{number} {one if number == 1 else many}"
        if len(having) == 1:
            yield f"{words}: `video-bridge show {having[0]['id']}` says {hint}."
        elif having:
            yield f"{words}: `video-bridge deliveries --status {status}` lists them."


async def _now(client: BridgeClient, watch: JsonObject) -> JsonObject:
    if not _pending(watch):
        return watch
    try:
        return await client.watch(watch["id"])
    except CommandError:
        return watch  # how the video ended is known, and this is only beside it


def _pending(watch: JsonObject) -> bool:
    return bool(watch["deliveries"]["pending"])
