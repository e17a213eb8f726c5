"""Lists of watches: pages in both orders, and what they can be filtered by."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bridge.models import PageRequest, WatchStatus
from bridge.states import COMPLETED
from bridge.store import Database, Transaction, tables, watches
from bridge.store.watches import WatchFilter
from tests.store.rows import NOW, add_video, add_watch

EVERYTHING = WatchFilter()
HOSTILE = [
    "",
    '"',
    "'",
    "a.b",
    "$",
    "$.a",
    "a[0]",
    "\\",
    "%",
    "_",
    "é",
    "e\u0301",
    "🎬",
    "\u2028",
    "' OR 1=1 --",
    "key",
    "a b",
]


async def ids(tx: Transaction, request: PageRequest, filter: WatchFilter = EVERYTHING) -> tuple[list[str], bool]:
    page = await watches.page(tx, request, filter)
    return [view.id for view in page.items], page.has_more


async def several(tx: Transaction, number: int) -> list[str]:
    row_id = await add_video(tx)
    return [await add_watch(tx, row_id) for _ in range(number)]


async def test_the_newest_come_first_unless_asked_otherwise(tx: Transaction) -> None:
    first, second, third = await several(tx, 3)
    assert await ids(tx, PageRequest()) == ([third, second, first], False)
    assert await ids(tx, PageRequest(descending=False)) == ([first, second, third], False)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
async def test_pages_one_after_the_other_are_the_whole_list(tx: Transaction, limit: int, descending: bool) -> None:
    whole, read, more = sorted(await several(tx, 5), reverse=descending), list[str](), True
    while more:
        after = read[-1] if read else None
        page, more = await ids(tx, PageRequest(limit, after, descending))
        assert len(page) == limit or not more
        read += page
    assert read == whole


@pytest.mark.parametrize("descending", [True, False])
async def test_a_page_goes_on_after_a_row_that_is_gone(tx: Transaction, descending: bool) -> None:
    whole = sorted(await several(tx, 4), reverse=descending)
    await tx.execute(delete(tables.watches).where(tables.watches.c.id == whole[1]))
    assert await ids(tx, PageRequest(2, whole[1], descending)) == (whole[2:], False)


async def test_after_the_last_one_nothing_follows(tx: Transaction) -> None:
    first, second = await several(tx, 2)
    assert await ids(tx, PageRequest(after=first)) == ([], False)
    assert await ids(tx, PageRequest(after=second, descending=False)) == ([], False)


async def test_filters_by_status_video_and_provider(tx: Transaction) -> None:
    one = await add_watch(tx, video_id="video_1", provider="openai")
    two = await add_watch(tx, video_id="video_2", provider="azure")
    await watches.end(tx, [(two, COMPLETED)], NOW)
    assert await ids(tx, PageRequest(), WatchFilter(status=WatchStatus.COMPLETED)) == ([two], False)
    assert await ids(tx, PageRequest(), WatchFilter(video_id="video_1")) == ([one], False)
    assert await ids(tx, PageRequest(), WatchFilter(provider="azure")) == ([two], False)


async def test_filters_are_joined(tx: Transaction) -> None:
    await add_watch(tx, video_id="video_1", metadata={"a": "1"})
    both = await add_watch(tx, video_id="video_1", metadata={"a": "1", "b": "2"})
    wanted = WatchFilter(WatchStatus.WATCHING, "video_1", "openai", {"a": "1", "b": "2"})
    assert await ids(tx, PageRequest(), wanted) == ([both], False)
    assert await ids(tx, PageRequest(), WatchFilter(WatchStatus.LOST, "video_1")) == ([], False)


@pytest.mark.parametrize("key", HOSTILE)
async def test_metadata_is_found_by_a_key_of_any_form(tx: Transaction, key: str) -> None:
    for each in HOSTILE:
        await add_watch(tx, metadata={each: "value", "other": key})
    wanted = await add_watch(tx, metadata={key: "wanted"})
    assert await ids(tx, PageRequest(), WatchFilter(metadata={key: "wanted"})) == ([wanted], False)


@pytest.mark.parametrize("value", [*HOSTILE, "1", "true", "null", "[1]"])
async def test_metadata_is_found_by_a_value_of_any_form(tx: Transaction, value: str) -> None:
    wanted = await add_watch(tx, metadata={"key": value})
    await add_watch(tx, metadata={"key": value + "x", "x": value})
    assert await ids(tx, PageRequest(), WatchFilter(metadata={"key": value})) == ([wanted], False)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(metadata=st.dictionaries(TEXT, TEXT, min_size=1, max_size=4))
async def test_whatever_was_registered_is_found_by_it(database: Database, metadata: dict[str, str]) -> None:
    async with database.write() as tx:
        added = await add_watch(tx, metadata=metadata)
        found, _ = await ids(tx, PageRequest(1), WatchFilter(metadata=metadata))
    assert found == [added]
