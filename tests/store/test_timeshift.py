"""What is moved when the clock was set, row by row."""

from __future__ import annotations

from sqlalchemy import insert, select

from bridge.models import Attempt, DeliveryStatus, Outcome, Reason, Trigger
from bridge.providers import health
from bridge.store import Transaction, archives, deliveries, lanes, standing, tables, timeshift
from tests.store.rows import NOW, add_delivery, add_video, add_watch, claim_videos, row

HOUR = 3600.0


async def a_target(tx: Transaction, **times: float) -> None:
    await tx.execute(insert(tables.targets).values(target="t" * 64, kind="slack", failures=0, **times))


async def target(tx: Transaction, name: str) -> float | None:
    found: float | None = (await tx.execute(select(tables.targets.c[name]))).scalar_one()
    return found


async def tried(tx: Transaction, at: float, status: DeliveryStatus = DeliveryStatus.PENDING) -> str:
    """A delivery that was tried then and waits for ten minutes more."""
    delivery_id = await add_delivery(tx, created_at=at, next_at=at + 600, attempts=1, status=status.value)
    made = Attempt(1, at, 5, Outcome.RETRY, Reason.RATE_LIMITED, 429, None, Trigger.SCHEDULE)
    await deliveries.conclude(tx, [], [(delivery_id, made)])
    return delivery_id


async def test_a_target_that_asked_to_be_left_alone_is_left_alone_for_as_long(tx: Transaction) -> None:
    await a_target(tx, held_until=NOW + HOUR + 600)
    await tried(tx, NOW + HOUR)
    for _ in range(2):
        await timeshift.heal(tx, NOW, longest_wait=30)
    assert await target(tx, "held_until") == NOW + 600


async def test_a_wish_that_is_not_from_the_future_is_kept(tx: Transaction) -> None:
    await a_target(tx, held_until=NOW + HOUR)
    await tried(tx, NOW - 5)
    await timeshift.heal(tx, NOW, longest_wait=30)
    assert await target(tx, "held_until") == NOW + HOUR


async def test_waits_and_what_they_count_from_move_together(tx: Transaction) -> None:
    await a_target(tx, held_until=NOW + 60, probe_at=NOW + 30, opened_at=NOW)
    delivery_id = await tried(tx, NOW)
    await timeshift.shift(tx, HOUR)
    moved = await row(tx, tables.deliveries, delivery_id)
    assert (moved["next_at"], moved["created_at"]) == (NOW + HOUR + 600, NOW + HOUR)
    assert (await tx.execute(select(tables.attempts.c.at))).scalar_one() == NOW + HOUR
    assert [await target(tx, name) for name in ("held_until", "probe_at", "opened_at", "next_send_at")] == [
        *(NOW + HOUR + 60, NOW + HOUR + 30, NOW + HOUR),
        None,
    ]


async def test_after_that_nothing_is_healed(tx: Transaction) -> None:
    delivery_id = await tried(tx, NOW)
    await timeshift.shift(tx, -HOUR)
    await timeshift.heal(tx, NOW - HOUR, longest_wait=30)
    assert (await row(tx, tables.deliveries, delivery_id))["next_at"] == NOW - HOUR + 600


async def test_a_lease_and_a_deadline_move_along(tx: Transaction) -> None:
    video = await add_video(tx, deadline=NOW + 900)
    watch = await add_watch(tx, video, expires_at=NOW + 900)
    await claim_videos(tx)
    await timeshift.shift(tx, -HOUR)
    moved = await row(tx, tables.videos, video)
    assert (moved["deadline"], moved["lease_until"], moved["next_at"]) == (
        *(NOW - HOUR + 900, NOW - HOUR + 60),
        NOW - HOUR + 60,
    )
    assert (await row(tx, tables.watches, watch))["expires_at"] == NOW - HOUR + 900


async def test_a_providers_wait_moves_along_and_is_healed_once(tx: Transaction) -> None:
    waiting = health.fresh(NOW).as_dict() | {"not_before": NOW + 60}
    await standing.keep_provider_health(tx, "openai", "https://a.example", waiting, NOW)
    await timeshift.shift(tx, HOUR)
    for _ in range(2):
        await timeshift.heal(tx, NOW, longest_wait=30)
    assert (await standing.provider_health(tx))["openai"][1] == waiting


async def test_a_provider_that_waits_for_nothing_goes_on_waiting_for_nothing(tx: Transaction) -> None:
    await standing.keep_provider_health(tx, "openai", "https://a.example", health.fresh(NOW).as_dict(), NOW)
    await timeshift.shift(tx, HOUR)
    assert (await standing.provider_health(tx))["openai"][1]["not_before"] == 0


async def test_the_book_of_a_budget_and_the_lease_of_a_list_are_moved_along(tx: Transaction) -> None:
    await lanes.open_lane(tx, "openai", "https://a.example")
    await lanes.keep_budget(tx, "openai", next_slot=NOW, low=1.0, slowed_at=NOW + 5)
    await lanes.lease(tx, "openai", "sweeper_1", NOW, NOW + 30)
    await timeshift.shift(tx, HOUR)
    moved = await lanes.read(tx, "openai")
    assert moved is not None
    assert (moved.next_slot, moved.slowed_at, moved.sweep_until) == (NOW + HOUR, NOW + HOUR + 5, NOW + HOUR + 30)


async def test_a_file_that_is_to_be_kept_is_tried_for_as_long(tx: Transaction) -> None:
    await archives.want(tx, ["video_row"], NOW)
    await timeshift.shift(tx, -HOUR)
    times = select(tables.archives.c.next_at, tables.archives.c.created_at).distinct()
    assert (await tx.execute(times)).all() == [(NOW - HOUR, NOW - HOUR)]
