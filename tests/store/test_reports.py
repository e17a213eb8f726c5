"""Deliveries as people and scrapers see them."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from bridge.ids import event_id
from bridge.models import Attempt, DeliveryStatus, EventType, Outcome, PageRequest, Reason, Trigger
from bridge.store import Transaction, deliveries, reports, tables
from bridge.store.reports import DeliveryFilter
from tests.store.rows import NOW, add_delivery, add_delivery_as, add_destination, add_watch

EVERYTHING = DeliveryFilter()
FIRST = Attempt(1, NOW, 12, Outcome.RETRY, Reason.SERVER_ERROR, 503, "later, \ufffd", Trigger.SCHEDULE)
SECOND = Attempt(2, NOW + 5, 0, Outcome.DELIVERED, None, 204, "", Trigger.MANUAL)


async def ids(tx: Transaction, filter: DeliveryFilter = EVERYTHING, request: PageRequest | None = None) -> list[str]:
    page = await reports.delivery_page(tx, request or PageRequest(), filter)
    return [view.id for view in page.items]


async def test_a_delivery_is_shown_with_attempts_and_body(tx: Transaction) -> None:
    watch_id, told = await add_watch(tx), await add_destination(tx, "hook")
    delivery_id = await add_delivery(tx, watch_id, told, degraded=True, reason="timeout", body="{…}".encode())
    await deliveries.conclude(tx, [], [(delivery_id, SECOND), (delivery_id, FIRST)])
    view = await reports.delivery(tx, delivery_id)
    assert view is not None
    assert (view.id, view.watch_id, view.destination.id, view.destination.name) == (delivery_id, watch_id, told, "hook")
    assert (view.event_type, view.event_id) == (EventType.VIDEO_COMPLETED, event_id(watch_id, "video.completed"))
    assert (view.status, view.reason, view.degraded) == (DeliveryStatus.PENDING, Reason.TIMEOUT, True)
    assert (view.created_at, view.next_attempt_at, view.delivered_at) == (NOW, NOW, None)
    assert (view.attempts, view.request_body) == ((FIRST, SECOND), "{…}")


async def test_a_body_that_is_not_text_is_shown_all_the_same(tx: Transaction) -> None:
    view = await reports.delivery(tx, await add_delivery(tx, body=b"\xff{}"))
    assert view is not None
    assert view.request_body == "\ufffd{}"


async def test_before_it_is_rendered_a_delivery_has_no_body(tx: Transaction) -> None:
    view = await reports.delivery(tx, await add_delivery(tx))
    assert view is not None
    assert (view.request_body, view.attempts) == (None, ())
    assert await reports.delivery(tx, "dlv_0") is None


async def test_a_list_shows_attempts_but_no_bodies(tx: Transaction) -> None:
    delivery_id = await add_delivery(tx, body=b"{}")
    await add_delivery(tx)
    await deliveries.conclude(tx, [], [(delivery_id, FIRST)])
    newer, older = (await reports.delivery_page(tx, PageRequest(), EVERYTHING)).items
    assert (older.attempts, older.request_body, newer.attempts) == ((FIRST,), None, ())


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 4, 5])
async def test_pages_one_after_the_other_are_the_whole_list(tx: Transaction, limit: int, descending: bool) -> None:
    whole = sorted([await add_delivery(tx) for _ in range(4)], reverse=descending)
    read, more = list[str](), True
    while more:
        request = PageRequest(limit, read[-1] if read else None, descending)
        page = await reports.delivery_page(tx, request, EVERYTHING)
        read, more = read + [view.id for view in page.items], page.has_more
    assert read == whole


async def test_a_page_goes_on_after_a_row_that_is_gone(tx: Transaction) -> None:
    first, second, third = [await add_delivery(tx) for _ in range(3)]
    await tx.execute(delete(tables.deliveries).where(tables.deliveries.c.id == second))
    assert await ids(tx, request=PageRequest(after=second)) == [first]
    assert await ids(tx, request=PageRequest(after=second, descending=False)) == [third]


async def test_filters_by_status_watch_and_destination(tx: Transaction) -> None:
    watch_id, told = await add_watch(tx), await add_destination(tx, "hook")
    failed = await add_delivery_as(tx, DeliveryStatus.FAILED)
    of_watch = await add_delivery(tx, watch_id)
    to_hook = await add_delivery(tx, None, told)
    assert await ids(tx, DeliveryFilter(status=DeliveryStatus.FAILED)) == [failed]
    assert await ids(tx, DeliveryFilter(watch_id=watch_id)) == [of_watch]
    assert await ids(tx, DeliveryFilter(destination="hook")) == [to_hook]
    assert await ids(tx, DeliveryFilter(destination=told)) == [to_hook]
    assert await ids(tx, DeliveryFilter(destination="' OR 1=1 --")) == []
    assert await ids(tx, DeliveryFilter(DeliveryStatus.FAILED, watch_id)) == []


async def test_a_destination_is_found_by_name_or_id(tx: Transaction) -> None:
    told = await add_destination(tx, "hook")
    assert await reports.destination_id(tx, "hook") == await reports.destination_id(tx, told) == told
    assert await reports.destination_id(tx, "nobody") is None


async def test_deliveries_are_counted_by_status(tx: Transaction) -> None:
    assert await reports.delivery_counts(tx) == {}
    for status in (DeliveryStatus.FAILED, DeliveryStatus.PENDING, DeliveryStatus.FAILED):
        await add_delivery_as(tx, status)
    assert await reports.delivery_counts(tx) == {DeliveryStatus.FAILED: 2, DeliveryStatus.PENDING: 1}


async def test_the_oldest_pending_delivery_tells_how_far_behind_we_are(tx: Transaction) -> None:
    assert await reports.oldest_pending(tx) is None
    await add_delivery_as(tx, DeliveryStatus.DELIVERED, created_at=NOW - 50)
    for seconds in (9, 5, 3):
        await add_delivery(tx, created_at=NOW - seconds)
    assert await reports.oldest_pending(tx) == NOW - 9
