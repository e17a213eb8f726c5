"""What a change of a stored destination means for deliveries on their way to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from bridge.errors import ConflictError, NotFoundError
from bridge.models import Attempt, DeliveryStatus, Outcome, Reason, Trigger, WatchStatus
from bridge.notifiers import create_notifiers
from bridge.notifiers.callback import CallbackDestination
from bridge.registry import DestinationService, RetryFilter, stored
from bridge.registry.again import Digests
from bridge.registry.destinations import DestinationDesk, default_rows
from bridge.signing import new_secret
from bridge.simulator import Simulator
from bridge.store import destinations
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts, signed_by, sql
from tests.receiver import Receiver
from tests.registry.storing import change, store
from tests.servers import SimulatedProvider

DAY = 86_400


@pytest.fixture(autouse=True)
def video(simulator: Simulator) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")


@pytest.fixture
def away(receiver: Receiver) -> None:
    """The first request is answered with 503."""
    receiver.answers.append(Response(status_code=503))


# Resolved at each attempt.


async def test_a_name_that_is_taken_is_told_how_the_destination_is_changed(parts: Parts) -> None:
    await store(parts, "team", url="https://example.com/")
    with pytest.raises(ConflictError, match="already: change it with PATCH /v1/destinations/team, or"):
        await store(parts, "team", url="https://example.com/other")


@pytest.mark.usefixtures("away")
async def test_what_is_pending_goes_where_the_destination_is_now(parts: Parts, receiver: Receiver, hook: str) -> None:
    await store(parts, "queue", url=f"{hook}/old")
    await parts.register(destinations=["queue"])
    await parts.live(1)
    await change(parts, "queue", url=f"{hook}/new")
    await parts.live(5)
    assert [call.path for call in receiver.received] == ["/hook/old", "/hook/new"]
    assert receiver.received[0].id == receiver.received[1].id
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED


@pytest.mark.usefixtures("away")
async def test_what_is_pending_is_signed_with_the_secret_of_now(parts: Parts, receiver: Receiver, hook: str) -> None:
    await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await parts.live(1)
    await change(parts, "queue", secret=(secret := new_secret()), headers={"X-Team": "ads"})
    await parts.live(5)
    before, after = receiver.received
    assert [signed_by(call, secret) for call in (before, after)] == [False, True]
    assert after.headers["x-team"] == "ads"


async def test_a_destination_is_told_what_it_asks_for_when_the_watch_ends(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await change(parts, "queue", events=["video.failed"])
    await parts.live(1)
    assert await parts.deliveries() == []


async def test_a_mail_on_its_way_goes_to_whom_the_destination_names_now(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=404))
    await store(parts, "mail", "email-webhook", url=hook, to=["typo@example.com"])
    await parts.register(destinations=["mail"])
    await parts.live(1)
    await change(parts, "mail", to=["right@example.com"])
    await parts.registry.retry((await parts.delivery()).id)
    await parts.live(1)
    assert [call.json["to"] for call in receiver.received] == ["typo@example.com", "right@example.com"]


@pytest.mark.usefixtures("away")
async def test_what_was_rendered_stays_as_it_is_whatever_else_changes(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    await store(parts, "mail", "email-webhook", url=hook, to=["a@example.com"])
    await parts.register(destinations=["mail"])
    await parts.live(1)
    await change(parts, "mail", template="Hello {{ video.id }}", headers={"X-Team": "ads"})
    await parts.live(5)
    before, after = receiver.received
    assert before.body == after.body


# Enabling and disabling.


async def test_nothing_is_sent_while_it_is_disabled_and_what_was_kept_can_be_retried(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    await store(parts, "queue", url=hook)
    await change(parts, "queue", enabled=False)
    await parts.register(destinations=["queue"])
    await parts.live(1)
    kept = await parts.delivery()
    assert (kept.status, kept.reason, receiver.received) == (DeliveryStatus.FAILED, Reason.DISABLED, [])
    await change(parts, "queue", enabled=True)
    assert await parts.registry.retry_many(RetryFilter(destination="queue")) == 1
    await parts.live(1)
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED


async def test_enabling_forgives_the_receiver_that_was_given_up(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.append(Response(status_code=410))
    await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await parts.live(1)
    gone = await parts.registry.destinations.get("queue")
    assert (gone.enabled, gone.disabled_reason) == (False, "gone")
    back = await change(parts, "queue", enabled=True)
    assert (back.enabled, back.disabled_reason) == (True, None)
    await parts.register(destinations=["queue"], key="again")
    await parts.live(1)
    assert [call.path for call in receiver.received] == ["/hook", "/hook"]


async def test_another_url_is_another_receiver(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.append(Response(status_code=410))
    await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await parts.live(1)
    assert (await change(parts, "queue", url=f"{hook}/new")).enabled
    await parts.registry.retry((await parts.delivery()).id)
    await parts.live(1)
    assert (await parts.delivery()).status is DeliveryStatus.DELIVERED
    assert (await change(parts, "queue", url=hook)).enabled is False


# Rotating.


async def test_the_old_secret_signs_beside_the_new_one_for_a_day(parts: Parts, receiver: Receiver, hook: str) -> None:
    old = (await store(parts, "queue", url=hook)).signing_secret or ""
    new = (await parts.registry.destinations.rotate("queue")).signing_secret or ""
    signed = []
    for wait in (0, DAY - 1, 1):
        await parts.clock.advance(wait)
        await parts.register(destinations=["queue"], key=str(wait))
        await parts.live(0)
        call = receiver.received[-1]
        signed.append((signed_by(call, new), signed_by(call, old), len(call.headers["webhook-signature"].split(" "))))
    assert signed == [(True, True, 2), (True, True, 2), (True, False, 1)]


async def test_a_secret_that_is_set_ends_the_rotation(parts: Parts, receiver: Receiver, hook: str) -> None:
    own, mine = new_secret(), new_secret()
    await store(parts, "queue", url=hook, secret=own)
    await parts.registry.destinations.rotate("queue")
    await change(parts, "queue", events=["video.completed"])
    await change(parts, "queue", secret=mine)
    await parts.register(destinations=["queue"])
    await parts.live(1)
    (call,) = receiver.received
    assert [signed_by(call, mine), signed_by(call, own)] == [True, False]


async def test_a_change_of_something_else_does_not_end_it(parts: Parts, receiver: Receiver, hook: str) -> None:
    await store(parts, "queue", url=hook, secret=(own := new_secret()))
    new = (await parts.registry.destinations.rotate("queue")).signing_secret or ""
    await change(parts, "queue", events=["video.completed"])
    await parts.register(destinations=["queue"])
    await parts.live(1)
    assert [signed_by(receiver.received[0], each) for each in (new, own)] == [True, True]


async def test_a_rotated_inline_destination_is_not_the_one_of_later_registrations(parts: Parts, hook: str) -> None:
    first = await parts.register(callback_url=hook)
    await parts.registry.destinations.rotate(first.watch.destinations[0].id)
    later = await parts.register(callback_url=hook, key="later")
    assert later.watch.destinations[0].id != first.watch.destinations[0].id


# Deleting.


@pytest.mark.usefixtures("away")
async def test_what_is_pending_to_a_deleted_one_has_failed_and_stays_visible(
    parts: Parts, receiver: Receiver, hook: str
) -> None:
    stored = await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await parts.live(1)
    with pytest.raises(ConflictError, match="1 pending delivery"):
        await parts.registry.destinations.delete("queue", force=False)
    assert await parts.registry.destinations.delete("queue", force=True) == stored.id
    await parts.live(100)
    delivery = await parts.delivery()
    assert (delivery.status, delivery.reason, delivery.next_attempt_at) == (
        DeliveryStatus.FAILED,
        Reason.DISABLED,
        None,
    )
    assert (delivery.destination.id, delivery.destination.name, len(receiver.received)) == (stored.id, None, 1)


async def test_what_was_for_a_deleted_one_cannot_be_retried(parts: Parts, hook: str) -> None:
    await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await parts.look()
    await parts.registry.destinations.delete("queue", force=True)
    with pytest.raises(ConflictError, match="was deleted"):
        await parts.registry.retry((await parts.delivery()).id)
    assert await parts.registry.retry_many(RetryFilter()) == 0
    assert await parts.sender.next_due() is None


async def test_a_live_watch_ends_without_telling_a_deleted_one(parts: Parts, receiver: Receiver, hook: str) -> None:
    await store(parts, "queue", url=f"{hook}/queue")
    registered = await parts.register(destinations=["queue"], callback_url=f"{hook}/other")
    await parts.registry.destinations.delete("queue", force=True)
    await parts.live(1)
    assert (await parts.watch(registered)).status is WatchStatus.COMPLETED
    assert [call.path for call in receiver.received] == ["/hook/other"]
    assert {each.reason for each in await parts.deliveries()} == {None, Reason.DISABLED}


async def test_a_retry_asked_for_while_it_was_being_sent_is_no_more(parts: Parts, hook: str, tmp_path: Path) -> None:
    await store(parts, "queue", url=hook)
    await parts.register(destinations=["queue"])
    await parts.look()
    await parts.sender.claim()
    await parts.registry.retry((await parts.delivery()).id)
    await parts.registry.destinations.delete("queue", force=True)
    assert sql(tmp_path, "SELECT manual_asked, manual_done, next_at FROM deliveries") == [(0, 0, None)]


# Trying out.


async def test_a_test_is_sent_by_whoever_sends(parts: Parts, clock: ManualClock) -> None:
    stored = await store(parts, "queue", url="https://example.com/")
    await change(parts, "queue", enabled=False)
    attempt = Attempt(1, clock.now(), 5, Outcome.DELIVERED, None, 200, "ok", Trigger.TEST)
    asked: list[str] = []

    async def try_out(destination_id: str) -> Attempt:
        asked.append(destination_id)
        return attempt

    desk = DestinationDesk(parts.box, Digests(b""), Setting().policy)
    service = DestinationService(parts.database, desk, parts.box, create_notifiers(parts.box, None), try_out)
    assert await service.test("queue") is attempt
    assert asked == [stored.id]
    assert service.trials() == {stored.id: attempt}
    with pytest.raises(NotFoundError):
        await service.test("nobody")


async def test_of_many_tests_only_the_latest_are_remembered(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "TRIALS", 2)

    async def try_out(destination_id: str) -> Attempt:
        return Attempt(1, 0.0, 5, Outcome.DELIVERED, None, 200, "ok", Trigger.TEST)

    desk = DestinationDesk(parts.box, Digests(b""), Setting().policy)
    service = DestinationService(parts.database, desk, parts.box, create_notifiers(parts.box, None), try_out)
    ids = [(await store(parts, name, url="https://example.com/")).id for name in ("a", "b", "c")]
    for name in ("a", "b", "a", "c"):
        await service.test(name)
    assert list(service.trials()) == [ids[0], ids[2]]


async def test_without_a_sender_there_are_no_samples(parts: Parts) -> None:
    await store(parts, "queue", url="https://example.com/")
    desk = DestinationDesk(parts.box, Digests(b""), Setting().policy)
    service = DestinationService(parts.database, desk, parts.box, create_notifiers(parts.box, None))
    with pytest.raises(ConflictError, match="sends no samples"):
        await service.test("queue")


# Of the environment.


async def put_environment(parts: Parts, **urls: str) -> None:
    """A start of the server with these callbacks in its environment."""
    bodies = {name: CallbackDestination(kind="callback", url=url) for name, url in urls.items()}
    now = parts.clock.now()
    async with parts.database.write() as tx:
        rows = default_rows(parts.box, bodies, now, await destinations.ids_by_name(tx))
        await destinations.put_environment(tx, rows, now)


async def test_one_of_the_environment_is_listed_and_cannot_be_changed(parts: Parts) -> None:
    await put_environment(parts, callback="https://example.com/hook")
    shown = await parts.registry.destinations.get("callback")
    assert (shown.default, shown.enabled) == (True, True)
    for fields in ({"events": ["video.failed"]}, {"default": False}, {"enabled": False}, {}):
        with pytest.raises(ConflictError, match="comes from the environment"):
            await change(parts, "callback", **fields)
    for refused in (
        parts.registry.destinations.delete("callback", force=True),
        parts.registry.destinations.rotate("callback"),
    ):
        with pytest.raises(ConflictError, match="comes from the environment"):
            await refused


async def test_one_of_the_environment_is_enabled_again(parts: Parts, receiver: Receiver, hook: str) -> None:
    receiver.answers.append(Response(status_code=410))
    await put_environment(parts, callback=hook)
    await parts.register()
    await parts.live(1)
    assert (await parts.registry.destinations.get("callback")).disabled_reason == "gone"
    assert (await change(parts, "callback", enabled=True)).enabled


async def test_one_that_is_configured_no_more_cannot_be_enabled_but_deleted(parts: Parts) -> None:
    await put_environment(parts, callback="https://example.com/hook")
    await parts.register()
    await put_environment(parts)
    assert (await parts.registry.destinations.get("callback")).disabled_reason == "not_configured"
    with pytest.raises(ConflictError):
        await change(parts, "callback", enabled=True)
    await parts.registry.destinations.delete("callback", force=True)
    with pytest.raises(NotFoundError):
        await parts.registry.destinations.get("callback")


async def test_a_restart_keeps_what_was_stored(
    tmp_path: Path, clock: ManualClock, provider: SimulatedProvider, receiver: Receiver, hook: str
) -> None:
    for _ in range(2):
        async with open_parts(tmp_path, clock, {"openai": provider.base_url}) as parts:
            if not receiver.received:
                await store(parts, "queue", url=hook, default=True)
            await parts.register(key=str(len(receiver.received)))
            await parts.live(1)
    assert len(receiver.received) == 2
