"""What each answer of a receiver means for a delivery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.responses import Response

from bridge import __version__
from bridge.models import DeliveryStatus, Trigger
from bridge.signing import new_secret
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts, signed_by
from tests.receiver import Receiver
from tests.sender.events import START, ended, outcomes

NOWHERE = {"openai": "http://127.0.0.1:9/v1"}


async def test_a_delivery_that_arrives_is_delivered(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    registered = await ended(parts, callback_url=hook)
    await parts.send()
    delivery = await parts.delivery()
    assert (delivery.status, delivery.delivered_at) == (DeliveryStatus.DELIVERED, clock.now())
    assert (delivery.reason, delivery.next_attempt_at) == (None, None)
    (attempt,) = delivery.attempts
    assert (attempt.number, attempt.at, attempt.trigger) == (1, clock.now(), Trigger.SCHEDULE)
    assert (await parts.watch(registered)).deliveries[DeliveryStatus.DELIVERED] == 1


async def test_the_callback_holds_the_event_and_the_whole_video(parts: Parts, receiver: Receiver, hook: str) -> None:
    registered = await ended(parts, callback_url=hook, metadata={"campaign": "spring"})
    await parts.send()
    (call,) = receiver.received
    assert (call.json["object"], call.json["type"], call.json["created_at"]) == ("event", "video.completed", START)
    assert call.json["id"] == call.id
    assert len(call.json["data"]) == 13
    assert (call.json["data"]["id"], call.json["data"]["prompt"]) == ("video_1", "a cat")
    watch_id = registered.watch.id
    assert call.json["watch"] == {
        "id": watch_id,
        "provider": "openai",
        "metadata": {"campaign": "spring"},
        "url": f"https://bridge.example/watches/{watch_id}",
        "content_url": None,
        "thumbnail_url": None,
    }


async def test_the_headers_are_ours_and_the_registrants(parts: Parts, receiver: Receiver, hook: str) -> None:
    secret = new_secret()
    callback = {"kind": "callback", "url": hook, "secret": secret, "headers": {"X-Team": "ads"}}
    await ended(parts, destinations=[callback])
    await parts.send()
    (call,) = receiver.received
    assert call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"] == f"video-bridge/{__version__}"
    assert call.headers["x-team"] == "ads"
    assert call.headers["webhook-timestamp"] == str(START)
    assert signed_by(call, secret)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_success_whatever_comes_with_it(
    parts: Parts, receiver: Receiver, hook: str, status: int
) -> None:
    rubbish = b"\x00\xff<html>" if status != 204 else b""
    receiver.answers.append(Response(rubbish, status, {"content-encoding": "gzip", "retry-after": "9"}))
    await ended(parts, callback_url=hook)
    await parts.send()
    assert outcomes(await parts.delivery()) == [("delivered", None, status)]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "redirect"),
        (307, "redirect"),
        (400, "client_error"),
        (401, "auth"),
        (403, "auth"),
        (404, "client_error"),
        (408, "client_error"),
        (413, "too_large"),
        (422, "client_error"),
        (429, "rate_limited"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
async def test_every_other_answer_is_tried_again(
    parts: Parts, receiver: Receiver, hook: str, status: int, reason: str
) -> None:
    receiver.answers.append(Response("no", status, {"location": "https://example.com/elsewhere"}))
    await ended(parts, callback_url=hook)
    await parts.live(5)
    delivery = await parts.delivery()
    assert outcomes(delivery) == [("retry", reason, status), ("delivered", None, 204)]
    assert (delivery.status, delivery.reason) == (DeliveryStatus.DELIVERED, None)


async def test_while_it_is_tried_again_the_delivery_says_why(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.append(Response("the database is down", 500))
    await ended(parts, callback_url=hook)
    await parts.send()
    delivery = await parts.delivery()
    assert (delivery.status, delivery.reason) == (DeliveryStatus.PENDING, "server_error")
    assert delivery.next_attempt_at == clock.now() + 5
    assert delivery.attempts[0].response == "the database is down"


async def test_of_a_long_answer_the_first_4_kib_are_kept(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.append(Response(b"\x00" + "ü".encode() * 100_000, 500))
    await ended(parts, callback_url=hook)
    await parts.send()
    shown = (await parts.delivery()).attempts[0].response or ""
    assert shown.startswith("\N{REPLACEMENT CHARACTER}ü")
    assert 2000 < len(shown) <= 4096


async def test_each_destination_of_a_watch_has_a_delivery_of_its_own(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=500))
    await ended(parts, callback_url=f"{hook}/1", destinations=[{"kind": "callback", "url": f"{hook}/2"}])
    await parts.live(5)
    one, two = await parts.deliveries()
    assert one.event_id == two.event_id
    assert sorted(len(each.attempts) for each in (one, two)) == [1, 2]
    assert len({call.id for call in receiver.received}) == 1


async def test_many_are_sent_side_by_side_but_not_more_than_there_is_room_for(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        sender = parts.new_sender(room=3)
        for number in range(5):
            await ended(parts, f"video_{number}", callback_url=hook)
        assert len(await sender.claim()) == 2  # three quarters of the room, rounded down, are the most a host gets
        await parts.send()
        assert len(receiver.received) == 3


async def test_the_body_shown_is_the_body_sent(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting()) as parts:
        await ended(parts, callback_url=hook, metadata={"name": "Zoë 🎬"})
        assert (await parts.delivery()).request_body is None
        await parts.send()
        body = (await parts.delivery()).request_body or ""
    assert body.encode() == receiver.received[0].body
    assert json.loads(body)["watch"]["metadata"] == {"name": "Zoë 🎬"}
