"""What the loops ask at every turn is answered by an index: no statement of theirs reads a whole table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event

from bridge.models import PageRequest, WatchStatus
from bridge.store import (
    Database,
    Transaction,
    deliveries,
    destinations,
    due,
    lanes,
    looks,
    observations,
    overview,
    reports,
    sweeps,
    targets,
    videos,
    watches,
)
from bridge.store.reports import DeliveryFilter
from bridge.store.tables import metadata
from bridge.store.watches import WatchFilter
from tests import postgres
from tests.clock import ManualClock
from tests.store.rows import (
    NOW,
    add_delivery,
    add_destination,
    add_video,
    add_watch,
    claim_deliveries,
    claim_videos,
    looked,
)

Statement = tuple[str, Any]


@asynccontextmanager
async def statements(tx: Transaction) -> AsyncIterator[list[Statement]]:
    """The statements that are run while the block lasts."""
    seen: list[Statement] = []

    def note(_conn: object, _cursor: object, text: str, parameters: Any, _context: object, many: bool) -> None:
        seen.append((text, parameters[0] if many else parameters))

    assert tx.sync_connection is not None
    event.listen(tx.sync_connection, "before_cursor_execute", note)
    yield seen
    event.remove(tx.sync_connection, "before_cursor_execute", note)


async def plan(tx: Transaction, seen: list[Statement]) -> list[str]:
    """How SQLite answers these statements, step by step."""
    return [
        step
        for text, parameters in seen
        for step in (await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)).scalars("detail")
    ]


async def scans(tx: Transaction, seen: list[Statement]) -> list[str]:
    """What SQLite would read from beginning to end to answer these statements."""
    steps = await plan(tx, seen)
    whole = [step for step in steps if step.startswith("SCAN") and step.split()[1] in metadata.tables]
    return whole + [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step]


async def turn_of_the_poller(tx: Transaction) -> None:
    await videos.next_due(tx, ["openai", "azure"])
    claimed = await claim_videos(tx)
    await videos.held(tx, claimed, "poller_1")
    await looks.write(tx, [looked(each.id) for each in claimed])
    await videos.looked_since(tx, "openai", NOW - 60)
    await watches.live(tx, [each.id for each in claimed])
    await videos.settle(tx, [each.id for each in claimed])
    await videos.release(tx, claimed, "poller_1", NOW)


async def turn_of_the_sweeper(tx: Transaction) -> None:
    await sweeps.due_moments(tx, ["openai", "azure"], 4)
    found = await sweeps.waited(tx, "openai", ["video_1", "video_2"])
    await sweeps.look_at_once(tx, [each.id for each in found], NOW)
    await lanes.lease(tx, "openai", "sweeper_1", NOW, NOW + 30)
    await lanes.read(tx, "openai", hold=True)


async def ending_of_a_watch(tx: Transaction) -> None:
    watch_id = await add_watch(tx)
    await destinations.recipients(tx, [watch_id])
    await watches.status_of(tx, watch_id)
    await watches.cancel(tx, watch_id, NOW)
    await deliveries.cancel_pending(tx, watch_id)


async def what_a_scrape_counts(tx: Transaction) -> None:
    await videos.in_flight(tx)
    await watches.counts(tx)
    await watches.waiting_providers(tx)
    await reports.delivery_counts(tx)
    await reports.oldest_pending(tx)
    await destinations.disabled_targets(tx)
    await targets.open_breakers(tx)


async def what_is_due(tx: Transaction) -> None:
    await videos.next_due(tx, ["openai"])
    await videos.claim(tx, "openai", limit=80, owner="poller_1", now=NOW, lease=30)
    await videos.looked_since(tx, "openai", NOW - 60)
    await due.next_due(tx)
    await due.claim(tx, limit=64, owner="sender_1", now=NOW, lease=30)


async def turn_of_the_sender(tx: Transaction) -> None:
    await due.next_due(tx)
    claimed = await claim_deliveries(tx)
    await deliveries.store_bodies(tx, {each.id: deliveries.Rendered(b"") for each in claimed}, "sender_1")
    await deliveries.held(tx, claimed, "sender_1")
    await deliveries.release(tx, claimed, "sender_1", NOW)
    await destinations.disable_target(tx, "t" * 64, "callback", "gone", NOW)


async def registration(tx: Transaction) -> None:
    await watches.holders(tx, ["slot"])
    await destinations.by_names(tx, ["name"])
    await destinations.by_digests(tx, ["digest"])
    found = await videos.find(tx, "openai", "video_1")
    assert found is not None
    await videos.watch_until(tx, found.id, NOW, NOW)
    await watches.number_live(tx, "ci")
    await watches.number_live(tx, None)


async def first_pages(tx: Transaction) -> None:
    for request in (PageRequest(), PageRequest(after="x", descending=False)):
        for filter in (WatchFilter(status=WatchStatus.LOST), WatchFilter(video_id="video_1")):
            await watches.page(tx, request, filter)
        await reports.delivery_page(tx, request, DeliveryFilter(watch_id="watch_1"))


async def pages_of_the_dashboard(tx: Transaction) -> None:
    await observations.of_watch(tx, "watch_1")
    await overview.latest_results(tx, ["watch_1"])
    await overview.health(tx, ["dest_1"], 200)
    await overview.ended_per_hour(tx, NOW)
    await overview.delivery_latencies(tx, 1000)
    await overview.looks_spent(tx, 1000)


@pytest.mark.parametrize(
    "work",
    [
        turn_of_the_poller,
        turn_of_the_sweeper,
        ending_of_a_watch,
        turn_of_the_sender,
        registration,
        first_pages,
        pages_of_the_dashboard,
    ],
)
async def test_no_table_is_read_as_a_whole(tx: Transaction, work: Callable[[Transaction], Awaitable[None]]) -> None:
    watch_id = await add_watch(tx, await add_video(tx), [told := await add_destination(tx)])
    await add_delivery(tx, watch_id, told)
    async with statements(tx) as seen:
        await work(tx)
    assert len(seen) >= 5
    assert await scans(tx, seen) == []


@pytest.mark.parametrize("work", [what_is_due, what_a_scrape_counts])
async def test_what_grows_with_the_table_is_read_from_an_index_alone(
    tx: Transaction, work: Callable[[Transaction], Awaitable[None]]
) -> None:
    async with statements(tx) as seen:
        await work(tx)
    steps = await plan(tx, [each for each in seen if each[0].startswith("SELECT")])
    reading = [step for step in steps if step.split()[0] in ("SCAN", "SEARCH") and step.split()[1] in metadata.tables]
    in_part = [step for step in reading if "COVERING INDEX" not in step]
    assert [step for step in in_part if "(status=?)" not in step] == []  # one row, the first of them


@pytest.mark.parametrize("work", [what_is_due, what_a_scrape_counts])
async def test_postgresql_has_an_index_for_it_too(
    work: Callable[[Transaction], Awaitable[None]], clock: ManualClock
) -> None:
    database = Database(postgres.emptied_url(), clock)
    async with database.write() as tx:
        await tx.exec_driver_sql("SET LOCAL enable_seqscan = off")  # so small a table it would read as a whole
        async with statements(tx) as seen:
            await work(tx)
        read = [each for each in seen if each[0].startswith("SELECT")]
        steps = [
            step
            for text, parameters in read
            for step in (await tx.exec_driver_sql(f"EXPLAIN {text}", parameters)).scalars()
        ]
    await database.aclose()
    assert len(read) >= 5
    assert [step for step in steps if "Seq Scan" in step] == []


async def test_live_watches_are_counted_by_the_index_of_them_alone(tx: Transaction) -> None:
    async with statements(tx) as seen:
        await watches.number_live(tx, "ci")
    ((text, parameters),) = seen
    (step,) = (await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)).scalars("detail")
    assert step.startswith("SEARCH watches USING COVERING INDEX ix_watches_live (created_by=?")


async def test_overdue_watches_are_found_by_their_videos_deadline(tx: Transaction) -> None:
    async with statements(tx) as seen:
        await watches.overdue(tx, "openai", NOW, 10)
    assert not any(step.startswith("SCAN") for step in await scans(tx, seen))


async def test_a_table_without_an_index_would_be_noticed(tx: Transaction) -> None:
    async with statements(tx) as seen:
        await tx.exec_driver_sql("SELECT id FROM videos WHERE looks = 1")
    assert await scans(tx, seen) == ["SCAN videos"]
