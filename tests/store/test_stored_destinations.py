"""Destinations by themselves: found, listed, used, deleted but for what the past needs of them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bridge.errors import ConfigurationError
from bridge.models import DeliveryStatus, PageRequest, Reason
from bridge.states import COMPLETED
from bridge.store import Transaction, destinations, stored_destinations, tables, watches
from bridge.store.stored_destinations import KnownDestination, Usage
from tests.store.rows import (
    NOW,
    a_destination,
    add_delivery,
    add_delivery_as,
    add_destination,
    add_watch,
    claim_deliveries,
    disable,
    row,
)


async def find(tx: Transaction, name_or_id: str) -> KnownDestination:
    found = await stored_destinations.find(tx, name_or_id)
    assert found is not None
    return found


async def forget(tx: Transaction, destination_id: str) -> None:
    known = await find(tx, destination_id)
    await stored_destinations.forget(tx, known, b"nothing", "newkey00", NOW + 1)


async def test_one_is_found_by_its_name_and_by_its_id(tx: Transaction) -> None:
    stored_id = await add_destination(tx, "team", config=b"secret")
    by_name = await find(tx, "team")
    assert by_name == await find(tx, stored_id)
    assert (by_name.id, by_name.origin, by_name.config) == (stored_id, "stored", b"secret")
    assert "secret" not in repr(by_name)
    assert await stored_destinations.find(tx, "nobody") is None


async def test_a_reason_is_that_of_the_destination_before_that_of_its_target(tx: Transaction) -> None:
    stored_id = await add_destination(tx, "team", target="a" * 64)
    assert (await find(tx, "team")).detail.disabled_reason is None
    await destinations.disable_target(tx, "a" * 64, "callback", "gone", NOW)
    gone = (await find(tx, "team")).detail
    await stored_destinations.change(tx, stored_id, NOW + 1, enabled=False, disabled_reason="manual")
    by_hand = (await find(tx, "team")).detail
    await stored_destinations.enable_target(tx, "a" * 64)
    assert [(each.enabled, each.disabled_reason) for each in (gone, by_hand, (await find(tx, "team")).detail)] == [
        (False, "gone"),
        (False, "manual"),
        (False, "manual"),
    ]


async def test_what_is_enabled_keeps_its_rate(tx: Transaction) -> None:
    await disable(tx, "a" * 64)
    await tx.execute(tables.targets.update().values(next_send_at=NOW + 1, failures=3))
    await stored_destinations.enable_target(tx, "a" * 64)
    target = (await tx.execute(select(tables.targets))).mappings().one()
    assert (target["disabled_at"], target["next_send_at"], target["failures"]) == (None, NOW + 1, 3)


async def test_pages_hold_what_has_a_name(tx: Transaction) -> None:
    ids = [await add_destination(tx, name) for name in ("a", None, "b", "c")]
    page = await stored_destinations.page(tx, PageRequest(2))
    assert ([each.name for each in page.items], page.has_more) == (["c", "b"], True)
    rest = await stored_destinations.page(tx, PageRequest(2, after=ids[2]))
    assert ([each.name for each in rest.items], rest.has_more) == (["a"], False)
    up = await stored_destinations.page(tx, PageRequest(5, after=ids[0], descending=False))
    assert [each.name for each in up.items] == ["b", "c"]


async def test_what_uses_a_destination_is_counted(tx: Transaction) -> None:
    used = await add_destination(tx, "team")
    ended = await add_watch(tx, None, [used])
    await watches.end(tx, [(ended, COMPLETED)], NOW)
    for _ in range(2):
        await add_watch(tx, None, [used])
    await add_delivery(tx, None, used)
    await add_delivery_as(tx, DeliveryStatus.FAILED, destination_id=used)
    assert await stored_destinations.usage(tx, used) == Usage(watches=2, deliveries=1)
    assert await stored_destinations.usage(tx, "dest_nobody") == Usage(0, 0)


async def test_who_leans_on_one_is_named(tx: Transaction) -> None:
    await add_destination(tx, "mail")
    await add_destination(tx, "team", fallback="mail")
    inline = await add_destination(tx, None, fallback="mail")
    assert await stored_destinations.leaning_on(tx, "mail") == [inline, "team"]
    assert await stored_destinations.fallbacks(tx) == {"mail": None, "team": "mail"}


async def test_a_deleted_one_is_nowhere_but_in_the_past(tx: Transaction) -> None:
    stored_id = await add_destination(tx, "team", config=b"secret", is_default=True, fallback="mail", digest="d")
    await add_destination(tx, "queue", fallback="team")
    delivery = await add_delivery(tx, None, stored_id)
    await forget(tx, stored_id)
    assert [await stored_destinations.find(tx, each) for each in ("team", stored_id)] == [None, None]
    assert [each.name for each in (await stored_destinations.page(tx, PageRequest())).items] == ["queue"]
    assert (await destinations.defaults(tx), await destinations.by_digests(tx, ["d"])) == ([], {})
    assert await stored_destinations.fallbacks(tx) == {"queue": None}
    left = await row(tx, tables.destinations, stored_id)
    assert (left["config"], left["config_key"], left["origin"], left["enabled"]) == (
        b"nothing",
        "newkey00",
        "deleted",
        False,
    )
    assert await stored_destinations.lost_its_destination(tx, delivery)
    assert (await destinations.views(tx, [stored_id]))[stored_id].url == "https://example.com/hook"


@pytest.mark.parametrize("status", [each for each in DeliveryStatus if each is not DeliveryStatus.PENDING])
async def test_what_was_decided_about_a_deleted_one_stays(tx: Transaction, status: DeliveryStatus) -> None:
    stored_id = await add_destination(tx, "team")
    delivery = await add_delivery_as(tx, status, destination_id=stored_id)
    before = await row(tx, tables.deliveries, delivery)
    await forget(tx, stored_id)
    assert await row(tx, tables.deliveries, delivery) == before


async def test_what_is_being_sent_to_a_deleted_one_can_still_report(tx: Transaction) -> None:
    stored_id = await add_destination(tx, "team")
    delivery = await add_delivery(tx, None, stored_id)
    (claim,) = await claim_deliveries(tx)
    await forget(tx, stored_id)
    left = await row(tx, tables.deliveries, delivery)
    assert (left["status"], left["reason"], left["next_at"]) == ("failed", Reason.DISABLED, None)
    assert (left["lease_owner"], left["fence"]) == ("sender_1", claim.fence)


async def test_only_undelivered_bodies_are_forgotten(tx: Transaction) -> None:
    stored_id = await add_destination(tx, "mail")
    made = {
        status: await add_delivery_as(tx, status, destination_id=stored_id, body=b"x", degraded=True)
        for status in DeliveryStatus
    }
    other = await add_delivery(tx, body=b"x")
    await stored_destinations.forget_bodies(tx, stored_id)
    kept = {status for status, each in made.items() if (await row(tx, tables.deliveries, each))["body"]}
    assert kept == {DeliveryStatus.DELIVERED, DeliveryStatus.CANCELLED}
    assert (await row(tx, tables.deliveries, other))["body"] == b"x"
    assert not (await row(tx, tables.deliveries, made[DeliveryStatus.FAILED]))["degraded"]


# In step with the environment.


async def put(tx: Transaction, name: str, **more: object) -> None:
    known = await destinations.ids_by_name(tx)
    made = a_destination(name, **{"origin": "environment", "id": known.get(name, "dest_new")} | more)
    await destinations.put_environment(tx, [made], NOW + 9)


async def test_a_name_that_was_stored_through_the_api_is_not_overwritten(tx: Transaction) -> None:
    stored_id = await add_destination(tx, "slack", config=b"theirs")
    with pytest.raises(ConfigurationError, match="BRIDGE_SLACK_WEBHOOK_URL describes a destination named 'slack'"):
        await put(tx, "slack")
    assert (await row(tx, tables.destinations, stored_id))["config"] == b"theirs"


async def test_what_is_pending_follows_the_environment_to_its_new_url(tx: Transaction) -> None:
    await put(tx, "callback")
    delivery = await add_delivery(tx, None, "dest_new")
    await put(tx, "callback", target="n" * 64, host="new.example")
    moved = await row(tx, tables.deliveries, delivery)
    assert (moved["target"], moved["host"]) == ("n" * 64, "new.example")


async def test_one_that_stands_in_for_another_stays(tx: Transaction) -> None:
    await put(tx, "email")
    await add_destination(tx, "team", fallback="email")
    await destinations.put_environment(tx, [], NOW + 9)
    assert (await find(tx, "email")).disabled_reason == "not_configured"
