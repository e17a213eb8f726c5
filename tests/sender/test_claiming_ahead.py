"""On SQLite the next deliveries are claimed in the commit that records several results."""

from __future__ import annotations

import asyncio

from bridge.models import DeliveryStatus
from bridge.sender.loop import Sent
from tests.parts import Parts, settle
from tests.receiver import Receiver
from tests.sender.events import ended


async def due(parts: Parts, hook: str, number: int) -> None:
    for each in range(number):
        await ended(parts, f"video_{each}", callback_url=f"{hook}/{each}")


async def test_what_was_claimed_ahead_is_claimed_once_and_sent(parts: Parts, hook: str, receiver: Receiver) -> None:
    await due(parts, hook, 4)
    sender = parts.new_sender(room=3)
    first = await sender.claim()
    await sender.record([result for each in first if isinstance(result := await sender.work(each), Sent)])
    others = parts.new_sender()
    ahead, later = await sender.claim(), await others.claim()
    assert len({each.id for each in [*first, *ahead, *later]}) == 4


async def test_a_sender_that_stops_claims_nothing_more(parts: Parts, hook: str, receiver: Receiver) -> None:
    await due(parts, hook, 4)
    sender, stop = parts.new_sender(room=3), asyncio.Event()
    await sender.tick()
    stop.set()
    await sender.run(stop, grace=10)
    assert len(receiver.received) == 2
    await settle(parts.sender)
    assert len(receiver.received) == 4
    assert {each.status for each in await parts.deliveries()} == {DeliveryStatus.DELIVERED}
