"""What stays the same over all attempts of a delivery, crashes included."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from bridge.models import DeliveryStatus
from bridge.sender.loop import Unsent
from bridge.signing import new_secret
from tests.clock import ManualClock
from tests.parts import Parts, allow, forbid, open_parts, settle, signed_by, sql
from tests.receiver import Receiver
from tests.sender.events import START, ended, moments, outcomes

NOWHERE = {"openai": "http://127.0.0.1:9/v1"}
LEASE = 30  # the timeout of an attempt and what is allowed around it


async def test_body_and_id_stay_while_timestamp_and_signature_are_fresh(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    secret = new_secret()
    receiver.answers.extend([Response(status_code=500)] * 2)
    await ended(parts, destinations=[{"kind": "callback", "url": hook, "secret": secret}])
    await parts.live(35)
    assert len({call.body for call in receiver.received}) == len({call.id for call in receiver.received}) == 1
    stamps = [int(call.headers["webhook-timestamp"]) - START for call in receiver.received]
    assert stamps == [0, 5, 35]
    assert all(signed_by(call, secret) for call in receiver.received)
    assert len({call.headers["webhook-signature"] for call in receiver.received}) == 3


async def test_the_body_is_rendered_once_whatever_happens_to_the_watch(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=500))
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, callback_url=hook)
        await parts.send()
    sql(tmp_path, 'UPDATE watches SET metadata = \'{"changed": "later"}\'')
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await parts.live(5)
    first, second = receiver.received
    assert first.body == second.body


async def test_the_body_that_is_sent_is_the_one_that_was_stored(
    parts: Parts, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    await ended(parts, callback_url=hook)
    (claimed,) = await parts.sender.claim()
    await parts.sender.work(claimed)
    assert sql(tmp_path, "SELECT body FROM deliveries") == [(receiver.received[0].body,)]


async def test_a_body_that_needs_no_template_is_stored_with_the_claim(parts: Parts, hook: str, tmp_path: Path) -> None:
    await ended(parts, callback_url=hook)
    (claimed,) = await parts.sender.claim()
    assert sql(tmp_path, "SELECT body FROM deliveries") == [(claimed.body,)]
    assert claimed.body is not None


async def test_a_body_that_cannot_be_stored_is_not_sent(
    parts: Parts, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    await ended(parts, callback_url=hook)
    forbid(tmp_path, "UPDATE OF body ON deliveries")
    (claimed,) = await parts.sender.claim()
    assert await parts.sender.work(claimed) == Unsent(claimed)
    assert receiver.received == []


async def test_after_a_crash_between_sending_and_recording_it_is_sent_again_with_the_same_id(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, callback_url=hook)
        (outgoing,) = await parts.sender.claim()
        await parts.sender.work(outgoing)
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await parts.send()
        delivery = await parts.delivery()
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert outcomes(delivery) == [("delivered", None, 204)]


async def test_after_a_crash_between_claiming_and_rendering_it_is_sent(
    parts: Parts, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    await ended(parts, callback_url=hook)
    await parts.sender.claim()
    sql(tmp_path, "UPDATE deliveries SET body = NULL")
    await parts.clock.advance(LEASE)
    await settle(parts.new_sender())
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED
    assert len(receiver.received) == 1


async def test_a_lost_attempt_burns_none_of_the_schedule(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers.extend([Response(status_code=500)] * 9)
    for _ in range(5):
        async with open_parts(tmp_path, clock, NOWHERE) as parts:
            if not receiver.received:
                await ended(parts, callback_url=hook)
            (outgoing,) = await parts.sender.claim()
            await parts.sender.work(outgoing)
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await parts.live(100)
        assert moments(await parts.delivery()) == [0, 5, 35]


async def test_one_whose_sender_died_is_sent_when_its_lease_is_over(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    await ended(parts, callback_url=hook)
    assert len(await parts.sender.claim()) == 1
    successor = parts.new_sender()
    await clock.advance(LEASE - 0.1)
    await settle(successor)
    assert receiver.received == []
    await clock.advance(0.1)
    await settle(successor)
    assert len(receiver.received) == 1


async def test_the_result_of_a_sender_that_is_too_late_is_refused(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.extend([Response(status_code=500), Response(status_code=204)])
    await ended(parts, callback_url=hook)
    (outgoing,) = await parts.sender.claim()
    late = await parts.sender.work(outgoing)
    await clock.advance(LEASE)
    await settle(parts.new_sender())
    await parts.sender.record([late])
    delivery = await parts.delivery()
    assert (delivery.status, outcomes(delivery)) == (DeliveryStatus.DELIVERED, [("delivered", None, 204)])


async def test_a_sender_that_stood_still_records_the_attempt_of_its_later_lease_alone(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.extend([Response(status_code=500), Response(status_code=204)])
    await ended(parts, callback_url=hook)
    (first,) = await parts.sender.claim()
    late = await parts.sender.work(first)
    await clock.advance(LEASE)
    (second,) = await parts.sender.claim()
    await parts.sender.record([late, await parts.sender.work(second)])
    assert outcomes(await parts.delivery()) == [("delivered", None, 204)]


async def test_an_attempt_that_cannot_be_recorded_is_made_again(
    parts: Parts, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    await ended(parts, callback_url=hook)
    forbid(tmp_path, "INSERT ON attempts")
    await parts.live(LEASE - 1)
    pending = await parts.delivery()
    assert (pending.status, pending.attempts) == (DeliveryStatus.PENDING, ())
    allow(tmp_path)
    await parts.live(1)
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED
    assert len({call.id for call in receiver.received}) == 1


async def test_one_that_cannot_be_recorded_does_not_hold_up_the_others(
    parts: Parts, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        await ended(parts, name, callback_url=hook)
    broken = (await parts.deliveries())[1].id
    forbid(tmp_path, f"INSERT ON attempts WHEN NEW.delivery_id = '{broken}'")
    await parts.live(1)
    assert [each.status.value for each in await parts.deliveries()] == ["delivered", "pending", "delivered"]


async def test_one_whose_secret_cannot_be_read_is_left_alone_and_the_others_are_sent(
    parts: Parts, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        await ended(parts, name, callback_url=f"{hook}/{name}")
    unreadable = (await parts.deliveries())[0].destination.id
    sql(tmp_path, f"UPDATE destinations SET config = x'00' WHERE id = '{unreadable}'")
    await parts.live(100)
    assert [call.path for call in receiver.received] == ["/hook/b"]
    assert [each.status.value for each in await parts.deliveries()] == ["pending", "delivered"]
