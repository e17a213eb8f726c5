"""When a delivery is tried again, and when no more."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import pytest
from starlette.responses import Response

from bridge.models import DeliveryStatus
from bridge.settings import load_settings
from bridge.store import due
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts, settle
from tests.receiver import Receiver
from tests.sender.events import START, ended, moments, outcomes

DEFAULT = load_settings({}, None).delivery_retries
NOWHERE = {"openai": "http://127.0.0.1:9/v1"}


def busy(status: int, retry_after: str) -> Response:
    return Response(status_code=status, headers={"retry-after": retry_after})


async def test_the_attempts_follow_the_schedule_and_then_end(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.extend([Response(status_code=500)] * 9)
    await ended(parts, callback_url=hook)
    await parts.live(4.9)
    assert len(receiver.received) == 1
    await parts.live(100)
    delivery = await parts.delivery()
    assert moments(delivery) == [0, 5, 35]
    assert (delivery.status, delivery.reason, delivery.next_attempt_at) == (
        DeliveryStatus.FAILED,
        "server_error",
        None,
    )
    assert [outcome for outcome, *_ in outcomes(delivery)] == ["retry", "retry", "failed"]


async def test_the_default_schedule_tries_thirteen_times_over_three_days(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers.extend([Response(status_code=500)] * 20)
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=DEFAULT)) as parts:
        await ended(parts, callback_url=hook)
        await settle(parts.sender)
        while (due := await parts.sender.next_due()) is not None:
            await clock.advance(due - clock.now())
            await settle(parts.sender)
        delivery = await parts.delivery()
    assert [number for number, _ in enumerate(delivery.attempts, 1)] == list(range(1, 14))
    assert moments(delivery)[:7] == [0, 5, 35, 155, 455, 1355, 3155]
    assert moments(delivery)[-1] == sum(DEFAULT) == pytest.approx(71 * 3600, rel=0.02)
    assert delivery.status is DeliveryStatus.FAILED


async def test_without_a_schedule_there_is_one_attempt(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=500))
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=())) as parts:
        await ended(parts, callback_url=hook)
        await parts.live(100)
        assert (await parts.delivery()).status is DeliveryStatus.FAILED
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [429, 503, 500, 404, 301])
@pytest.mark.parametrize("retry_after", ["60", formatdate(START + 60, usegmt=True)], ids=["seconds", "date"])
async def test_a_wish_to_be_left_alone_is_never_undercut(
    parts: Parts, receiver: Receiver, hook: str, status: int, retry_after: str
) -> None:
    receiver.answers.append(busy(status, retry_after))
    await ended(parts, callback_url=hook)
    await parts.live(70)
    assert moments(await parts.delivery()) == [0, 60]


async def test_a_wish_below_the_schedules_delay_changes_nothing(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.append(busy(429, "2"))
    await ended(parts, callback_url=hook)
    await parts.live(10)
    assert moments(await parts.delivery()) == [0, 5]


async def test_a_day_is_still_waited_for(parts: Parts, receiver: Receiver, hook: str, clock: ManualClock) -> None:
    receiver.answers.append(busy(503, "86400"))
    await ended(parts, callback_url=hook)
    await parts.send()
    assert (await parts.delivery()).next_attempt_at == clock.now() + 86_400


@pytest.mark.parametrize("status", [429, 503, 404])
async def test_more_than_a_day_ends_the_delivery(parts: Parts, receiver: Receiver, hook: str, status: int) -> None:
    receiver.answers.append(busy(status, "86401"))
    await ended(parts, callback_url=hook)
    await parts.send()
    delivery = await parts.delivery()
    assert (delivery.status, delivery.reason) == (DeliveryStatus.FAILED, "rate_limited")
    assert outcomes(delivery) == [("failed", "rate_limited", status)]
    assert await parts.sender.next_due() is None


@pytest.mark.parametrize("retry_after", ["soon", "-5", "", "1e9", "９", "Wed, 99 Nov 2025 00:00:00 GMT"])
async def test_a_wish_that_cannot_be_read_is_none(
    parts: Parts, receiver: Receiver, hook: str, retry_after: str
) -> None:
    headers = [(b"retry-after", retry_after.encode())]
    answer = Response(status_code=503)
    answer.raw_headers.extend(headers)
    receiver.answers.append(answer)
    await ended(parts, callback_url=hook)
    await parts.live(5)
    assert moments(await parts.delivery()) == [0, 5]


async def test_a_retry_by_hand_may_come_before_the_wish(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.append(busy(503, "3600"))
    await ended(parts, callback_url=hook)
    await parts.live(10)
    await parts.registry.retry((await parts.delivery()).id)
    await parts.send()
    assert moments(await parts.delivery()) == [0, 10]


async def test_chance_only_ever_lengthens_a_wait(
    parts: Parts, receiver: Receiver, hook: str, clock: ManualClock
) -> None:
    receiver.answers.append(busy(503, "60"))
    await ended(parts, callback_url=hook)
    sender = parts.new_sender(chance=lambda: 1.0)
    await settle(sender)
    assert (await parts.delivery()).next_attempt_at == pytest.approx(clock.now() + 66)


async def test_the_oldest_is_sent_first(tmp_path: Path, clock: ManualClock, hook: str) -> None:
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        for number in range(3):
            await ended(parts, f"video_{number}", callback_url=hook)
            await clock.advance(1)
        async with parts.database.write() as tx:
            claimed = await due.claim(tx, limit=2, owner="me", now=clock.now(), lease=10)
    assert [each.video["id"] for each in claimed] == ["video_0", "video_1"]
