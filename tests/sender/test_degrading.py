"""Slack refuses a picture: the message goes out once more without it, and says that it is a lesser one."""

from __future__ import annotations

import json

from starlette.responses import PlainTextResponse

from tests.parts import Parts
from tests.receiver import Receiver
from tests.sender.events import ended, outcomes

PICTURE = (
    '{"text": "done", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "{{ video.id }}"}},'
    ' {"type": "image", "image_url": "https://cdn.example.com/a.jpg", "alt_text": "a still"}]}'
)


def slack(hook: str) -> dict[str, str]:
    return {"kind": "slack", "url": f"{hook}/services", "template": PICTURE}


async def test_a_refused_picture_costs_the_picture_and_not_the_message(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    receiver.answers.extend([PlainTextResponse("invalid_blocks", 400), PlainTextResponse("ok")])
    await ended(parts, destinations=[slack(hook)])
    await parts.live(2)
    delivery = await parts.delivery()
    first, second = (json.loads(call.body)["blocks"] for call in receiver.received)
    assert [block["type"] for block in first] == ["section", "image"]
    assert [block["type"] for block in second] == ["section"]
    assert (delivery.status, delivery.degraded) == ("delivered", True)


async def test_the_refusal_is_an_attempt_that_is_shown(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.extend([PlainTextResponse("invalid_blocks", 400), PlainTextResponse("ok")])
    await ended(parts, destinations=[slack(hook)])
    await parts.live(2)
    assert outcomes(await parts.delivery()) == [("retry", "client_error", 400), ("delivered", None, 200)]


async def test_refused_again_it_fails(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.extend([PlainTextResponse("invalid_blocks", 400)] * 2)
    await ended(parts, destinations=[slack(hook)])
    await parts.live(60)
    delivery = await parts.delivery()
    assert (delivery.status, delivery.reason, len(receiver.received)) == ("failed", "client_error", 2)


async def test_slack_gets_one_message_a_second(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.extend([PlainTextResponse("ok") for _ in range(3)])
    for number in range(3):
        await ended(parts, f"video_{number}", destinations=[slack(hook)])
    await parts.live(0.5)
    assert len(receiver.received) == 1
    await parts.live(1)
    assert len(receiver.received) == 2
    await parts.live(1)
    assert len(receiver.received) == 3


async def test_a_429_of_slack_holds_back_everything_for_that_url(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.append(PlainTextResponse("rate_limited", 429, {"retry-after": "30"}))
    receiver.answers.extend([PlainTextResponse("ok") for _ in range(2)])
    await ended(parts, "video_1", destinations=[slack(hook)])
    await parts.live(2)
    await ended(parts, "video_2", destinations=[slack(hook)])
    await parts.live(20)
    assert len(receiver.received) == 1
    await parts.live(20)
    assert [each.status for each in await parts.deliveries()] == ["delivered", "delivered"]
