"""Turns of targets that take one message after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.models import EventType
from bridge.store import targets
from bridge.store.database import Database
from bridge.store.deliveries import ClaimedDelivery

NOW = 1_763_870_000.0
GAPS = {"slack": 1.0}
CLAIM = ClaimedDelivery(
    id="dlv_0",
    fence=1,
    event_id="evt_1",
    event_type=EventType.VIDEO_COMPLETED,
    event_at=NOW,
    video={},
    watch_id="watch_1",
    watch_created_at=NOW,
    watch_metadata={},
    provider="openai",
    destination_id="dest_1",
    origin="inline",
    kind="slack",
    target="t1",
    config=b"",
    enabled=True,
    created_at=NOW,
    body=None,
    step=0,
    attempts=0,
    manual_asked=0,
    manual_done=0,
)


def claims(number: int, **fields: object) -> list[ClaimedDelivery]:
    return [replace(CLAIM, id=f"dlv_{place}", **fields) for place in range(number)]  # type: ignore[arg-type]


async def turns(database: Database, queue: Sequence[ClaimedDelivery], now: float = NOW) -> dict[str, float]:
    async with database.write() as tx:
        return await targets.take_turns(tx, queue, GAPS, now)


async def test_one_goes_and_the_others_line_up_behind_it(database: Database) -> None:
    assert await turns(database, claims(4)) == {"dlv_1": NOW + 1, "dlv_2": NOW + 2, "dlv_3": NOW + 3}


async def test_the_next_goes_when_its_time_has_come(database: Database) -> None:
    await turns(database, claims(1))
    assert await turns(database, claims(1), NOW + 0.5) == {"dlv_0": NOW + 1}
    assert await turns(database, claims(1), NOW + 1) == {}


async def test_every_target_has_its_own_turn(database: Database) -> None:
    other = replace(CLAIM, id="dlv_other", target="t2")
    assert await turns(database, [*claims(1), other]) == {}


async def test_kinds_without_a_rate_never_wait(database: Database) -> None:
    assert await turns(database, claims(50, kind="callback")) == {}


async def test_a_target_that_asked_to_be_left_alone_is(database: Database) -> None:
    async with database.write() as tx:
        await targets.hold(tx, "t1", "slack", NOW + 30)
        await targets.hold(tx, "t1", "slack", NOW + 10)
    assert await turns(database, claims(2)) == {"dlv_0": NOW + 30, "dlv_1": NOW + 31}
    assert await turns(database, claims(1), NOW + 30) == {}


async def test_a_retry_by_hand_may_come_before_that_but_not_above_the_rate(database: Database) -> None:
    async with database.write() as tx:
        await targets.hold(tx, "t1", "slack", NOW + 30)
    assert await turns(database, claims(2, manual_asked=1)) == {"dlv_1": NOW + 1}
