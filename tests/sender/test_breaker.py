"""A target that fails again and again is left alone, probed, and told everything once it is back."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from bridge.models import DeliveryStatus, Reason
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended

pytestmark = pytest.mark.long

RETRIES = (1.0,) * 40


@pytest.fixture
def down(receiver: Receiver) -> list[bool]:
    """Empty it, and the receiver is back."""
    state = [True]
    receiver.refuse = lambda: Response(status_code=500) if state else None
    return state


async def opened(parts: Parts, hook: str, number: int = 12) -> None:
    """A breaker that has opened, with some deliveries behind it that were never tried."""
    for each in range(number):
        await ended(parts, f"video_{each:02}", callback_url=hook, key=str(each))
    await parts.live(5)


async def test_after_ten_failures_nothing_goes_there_and_no_attempt_is_burnt(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook)
        tried = len(receiver.received)
        await parts.live(20)
        assert 10 <= tried == len(receiver.received) <= 13
        waiting = await parts.deliveries()
        assert {(each.status, each.reason) for each in waiting} == {(DeliveryStatus.PENDING, Reason.BREAKER_OPEN)}
        assert {each.next_attempt_at for each in waiting} == {waiting[0].next_attempt_at}


async def test_one_delivery_probes_it_ever_more_rarely(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook)
        before = len(receiver.received)
        probes = []
        for _ in range(100):
            await parts.live(10)
            probes.append(len(receiver.received) - before)
    assert probes[-1] == 5  # after about 30, 90, 210, 450 and 930 seconds


async def test_once_it_is_back_all_that_waited_arrives_what_was_never_tried_first(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool], logs: list[Any]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook, 30)
        tried = len(receiver.received)
        down.clear()
        await parts.live(40)
        assert {each.status for each in await parts.deliveries()} == {DeliveryStatus.DELIVERED}
    tried_before = {call.id for call in receiver.received[:tried]}
    _probe, *others = receiver.received[tried:]
    order = [call.id in tried_before for call in others]
    assert order == sorted(order)
    assert [entry["event"] for entry in logs if "breaker" in entry["event"]] == ["breaker_opened", "breaker_closed"]


async def test_a_retry_by_hand_goes_through_and_closes_it(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook)
        down.clear()
        await parts.registry.retry((await parts.deliveries())[-1].id)
        await parts.live(1)
        assert {each.status for each in await parts.deliveries()} == {DeliveryStatus.DELIVERED}


async def test_other_targets_of_the_same_host_are_told_meanwhile(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook)
        down.clear()
        await ended(parts, "other", callback_url=f"{hook}/other")
        await parts.live(0)
        assert receiver.received[-1].path == "/hook/other"


async def test_a_restart_does_not_forget_it(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook)
    tried = len(receiver.received)
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await parts.live(5)
    assert len(receiver.received) == tried


async def test_how_many_are_open_is_counted(
    tmp_path: Path, clock: ManualClock, hook: str, down: list[bool], logs: list[MutableMapping[str, Any]]
) -> None:
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await opened(parts, hook)
        assert (await parts.registry.counts()).breakers_open == 1


async def test_closing_it_cuts_no_wish_to_be_left_alone_short(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str, down: list[bool]
) -> None:
    receiver.answers.append(Response(status_code=429, headers={"retry-after": "25"}))
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=RETRIES)) as parts:
        await ended(parts, "asked", callback_url=hook)
        await parts.send()
        await opened(parts, hook)
        down.clear()
        asked, *_, last = await parts.deliveries()
        await parts.registry.retry(last.id)
        await parts.live(18)
        delivered = {each.id for each in await parts.deliveries() if each.status is DeliveryStatus.DELIVERED}
        assert last.id in delivered
        assert asked.id not in delivered
        await parts.live(10)
        assert (await parts.registry.delivery(asked.id)).status is DeliveryStatus.DELIVERED
