"""Destinations in the table: found, shown, told, disabled, and kept in step with the environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import StoreError
from bridge.models import EventType
from bridge.states import Recipient
from bridge.store import Database, Transaction, destinations, tables
from tests.store.rows import ALL_EVENTS, NOW, a_destination, add_delivery, add_destination, add_watch, disable, row


async def test_a_stored_one_is_found_by_its_name_and_an_inline_one_by_its_digest(tx: Transaction) -> None:
    stored = await add_destination(tx, "hook")
    inline = await add_destination(tx, digest="d")
    assert await destinations.by_name(tx, "hook") == stored
    assert await destinations.by_names(tx, ["hook", "d"]) == {"hook": stored}
    assert await destinations.by_digests(tx, ["hook", "d"]) == {"d": inline}
    assert await destinations.ids_by_name(tx) == {"hook": stored}


@pytest.mark.parametrize("name", ["hook", None])
async def test_names_and_digests_are_unique(database: Database, name: str | None) -> None:
    async def add() -> None:
        async with database.write() as tx:
            await add_destination(tx, name, digest=None if name else "d")

    await add()
    with pytest.raises(StoreError, match="UNIQUE constraint failed"):
        await add()


async def test_the_defaults_are_named_in_order(tx: Transaction) -> None:
    for name, is_default in [("slack", True), ("hook", False), ("callback", True)]:
        await add_destination(tx, name, is_default=is_default)
    assert await destinations.defaults(tx) == ["callback", "slack"]


async def test_a_destination_is_shown_without_what_is_secret(tx: Transaction) -> None:
    shown_id = await add_destination(tx, "hook", events=[EventType.WATCH_LOST], config=b"secret")
    view = (await destinations.views(tx, [shown_id]))[shown_id]
    assert (view.id, view.name, view.kind, view.url) == (shown_id, "hook", "callback", "https://example.com/hook")
    assert (view.events, view.enabled, view.signing_secret) == ((EventType.WATCH_LOST,), True, None)
    assert "secret'" not in repr(view)


async def test_what_is_sealed_comes_beside_what_is_shown(tx: Transaction) -> None:
    one, two = await add_destination(tx, config=b"1"), await add_destination(tx, config=b"2")
    told = await destinations.told(tx, [one, two])
    assert {each: sealed for each, (_, sealed) in told.items()} == {one: b"1", two: b"2"}
    assert {each: view for each, (view, _) in told.items()} == await destinations.views(tx, [one, two])
    assert await destinations.told(tx, []) == {}


async def test_what_is_needed_to_try_one_out_is_read_together(tx: Transaction) -> None:
    tried = await add_destination(tx, "hook", config=b"sealed", events=[EventType.WATCH_LOST])
    assert await destinations.to_try(tx, tried) == ("callback", "stored", b"sealed", (EventType.WATCH_LOST,))


async def test_the_destinations_of_watches_come_in_the_order_they_were_registered(tx: Transaction) -> None:
    first, second, third = [await add_destination(tx) for _ in range(3)]
    one = await add_watch(tx, None, [third, first])
    two = await add_watch(tx, None, [second, third])
    found = await destinations.of_watches(tx, [one, two])
    assert {watch_id: [each.id for each in told] for watch_id, told in found.items()} == {
        one: [third, first],
        two: [second, third],
    }
    assert await destinations.of_watches(tx, []) == {}


async def test_recipients_are_told_what_they_asked_for_in_the_watchs_order(tx: Transaction) -> None:
    some = await add_destination(tx, events=[EventType.VIDEO_FAILED], target="a" * 64, host="a.example")
    all_ = await add_destination(tx, target="b" * 64, host="b.example")
    watch_id = await add_watch(tx, None, [all_, some])
    assert await destinations.recipients(tx, [watch_id]) == {
        watch_id: [
            Recipient(all_, frozenset(ALL_EVENTS), "b" * 64, "b.example"),
            Recipient(some, frozenset({EventType.VIDEO_FAILED}), "a" * 64, "a.example"),
        ]
    }


async def test_a_disabled_target_disables_every_destination_that_uses_it(tx: Transaction) -> None:
    one, two, other = [await add_destination(tx, target=letter * 64) for letter in "aab"]
    await destinations.disable_target(tx, "a" * 64, "callback", "gone", NOW)
    shown = await destinations.views(tx, [one, two, other])
    assert [shown[each].enabled for each in (one, two, other)] == [False, False, True]
    of_watch = await destinations.of_watches(tx, [watch_id := await add_watch(tx, None, [one, other])])
    assert [each.enabled for each in of_watch[watch_id]] == [False, True]


async def test_a_target_is_disabled_once_however_often_it_is_said(tx: Transaction) -> None:
    for at in (NOW, NOW + 1):
        await destinations.disable_target(tx, "a" * 64, "callback", "gone", at)
    await disable(tx, "b" * 64)
    assert await destinations.disabled_targets(tx) == 2


async def put_environment(tx: Transaction, *names: str, **more: object) -> None:
    """A start with these destinations in the environment."""
    known = await destinations.ids_by_name(tx)
    rows = [a_destination(name, **{"origin": "environment", "is_default": True} | more) for name in names]
    await destinations.put_environment(
        tx, [replace(each, id=known.get(str(each.name), each.id)) for each in rows], NOW + 9
    )


async def test_a_destination_of_the_environment_is_there_from_the_first_start(tx: Transaction) -> None:
    await put_environment(tx, "callback", "slack")
    assert await destinations.defaults(tx) == ["callback", "slack"]


async def test_at_the_next_start_it_is_the_same_destination_with_what_is_configured_now(tx: Transaction) -> None:
    await put_environment(tx, "callback", config=b"before", created_at=NOW)
    before = await destinations.by_name(tx, "callback")
    assert before is not None
    await put_environment(tx, "callback", config=b"after", shown_url="https://new.example/", created_at=NOW + 8)
    after = await row(tx, tables.destinations, before)
    assert (after["config"], after["shown_url"]) == (b"after", "https://new.example/")
    assert (after["created_at"], after["updated_at"]) == (NOW, NOW + 9)


async def test_one_that_is_configured_no_more_is_gone_when_nothing_refers_to_it(tx: Transaction) -> None:
    await add_destination(tx, "stored")
    await put_environment(tx, "callback", "slack")
    await put_environment(tx, "slack")
    assert set(await destinations.ids_by_name(tx)) == {"stored", "slack"}
    await put_environment(tx)
    assert set(await destinations.ids_by_name(tx)) == {"stored"}


@pytest.mark.parametrize("used_by", ["watch", "delivery"])
async def test_one_that_is_used_stays_disabled_and_comes_back(tx: Transaction, used_by: str) -> None:
    await put_environment(tx, "callback")
    used = (await destinations.ids_by_name(tx))["callback"]
    await (add_watch(tx, None, [used]) if used_by == "watch" else add_delivery(tx, None, used))
    await put_environment(tx)
    gone = await row(tx, tables.destinations, used)
    assert (gone["enabled"], gone["is_default"], gone["disabled_reason"]) == (False, False, "not_configured")
    await put_environment(tx, "callback")
    back = await row(tx, tables.destinations, used)
    assert (back["enabled"], back["is_default"], back["disabled_reason"]) == (True, True, None)
