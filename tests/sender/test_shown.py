"""What a delivery shows of itself in odd moments."""

from __future__ import annotations

from starlette.responses import Response

from bridge.models import DeliveryStatus
from tests.parts import Parts
from tests.receiver import Receiver
from tests.sender.events import ended


async def test_while_it_is_tried_no_time_of_a_next_attempt_is_shown(parts: Parts, hook: str) -> None:
    await ended(parts, callback_url=hook)
    assert (await parts.delivery()).next_attempt_at == parts.clock.now()
    await parts.sender.claim()
    assert (await parts.delivery()).next_attempt_at is None


async def test_that_it_once_arrived_stays_true_when_sending_it_again_fails(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    await ended(parts, callback_url=hook)
    await parts.send()
    arrived_at = (await parts.delivery()).delivered_at
    receiver.answers.append(Response(status_code=500))
    await parts.registry.retry((await parts.delivery()).id)
    await parts.send()
    again = await parts.delivery()
    assert arrived_at is not None
    assert (again.status, again.delivered_at) == (DeliveryStatus.PENDING, arrived_at)
