"""Several pollers on one database: nobody is told twice, nobody is forgotten, one probes for all."""

from __future__ import annotations

import asyncio

import pytest

from bridge.models import BadKey, Observed, Video, VideoStatus, WatchStatus
from bridge.poller.loop import LEASE
from bridge.poller.recording import Looked
from bridge.simulator import Simulator
from tests.parts import Parts, settle
from tests.receiver import Receiver

COMPLETED = Observed(Video("video_1", VideoStatus.COMPLETED))


async def test_each_due_video_is_claimed_by_one(parts: Parts, simulator: Simulator, hook: str) -> None:
    for number in range(20):
        await parts.register(f"video_{number}", callback_url=hook)
    other = await parts.new_poller()
    ours, theirs = await asyncio.gather(parts.poller.claim(), other.claim())
    more = [*await parts.poller.claim(), *await other.claim()]
    claimed = [each.video_id for each in (*ours, *theirs, *more)]
    assert sorted(claimed) == sorted(f"video_{number}" for number in range(20))


async def test_a_late_owner_is_refused(parts: Parts, hook: str) -> None:
    await parts.register(callback_url=hook)
    (late,) = await parts.poller.claim()
    await parts.clock.advance(LEASE)
    successor = await parts.new_poller()
    (again,) = await successor.claim()
    await parts.poller.record([Looked(late, COMPLETED, parts.clock.now())])
    assert await parts.deliveries() == []
    await successor.record([Looked(again, COMPLETED, parts.clock.now())])
    assert len(await parts.deliveries()) == 1


async def test_watches_that_run_out_at_a_silent_provider_are_ended_once(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    simulator.set_outage(401)
    for key in ("a", "b"):
        await parts.register(callback_url=hook, key=key, timeout=10)
    others = [await parts.new_poller() for _ in range(2)]
    await parts.look()
    await parts.clock.advance(60)
    await asyncio.gather(*(settle(poller) for poller in (parts.poller, *others)))
    await parts.clock.advance(60)
    for poller in (parts.poller, *others):
        await settle(poller)
    await parts.send()
    assert sorted(call.json["type"] for call in receiver.received) == ["watch.timed_out"] * 2
    assert len({call.id for call in receiver.received}) == 2


async def test_what_one_learns_of_a_provider_the_others_go_by(parts: Parts, kind: str, hook: str) -> None:
    if kind == "sqlite":
        return  # there one process has the file for itself
    await parts.register("a", callback_url=hook)
    other = await parts.new_poller()
    (claim,) = await parts.poller.claim()
    await parts.poller.record([Looked(claim, BadKey("no"), parts.clock.now())])
    await parts.register("b", callback_url=hook)
    await parts.register("c", callback_url=hook)
    assert await other.claim() == []
    await parts.clock.advance(30)
    assert len(await other.claim()) == 1
    assert await parts.poller.claim() == []


@pytest.mark.parametrize("first", ["cancel", "end"])
async def test_a_watch_is_cancelled_or_told_but_never_both(
    parts: Parts, receiver: Receiver, hook: str, first: str
) -> None:
    registered = await parts.register(callback_url=hook)
    (claim,) = await parts.poller.claim()
    steps = [
        parts.registry.cancel(registered.watch.id),
        parts.poller.record([Looked(claim, COMPLETED, parts.clock.now())]),
    ]
    await asyncio.gather(*(steps if first == "cancel" else reversed(steps)), return_exceptions=True)
    await parts.send()
    status = (await parts.watch(registered)).status
    made = [each.status.value for each in await parts.deliveries()]
    assert (status, made) in (
        (WatchStatus.CANCELLED, []),
        (WatchStatus.COMPLETED, ["delivered"]),
        (WatchStatus.COMPLETED, ["cancelled"]),  # it had ended: what was pending is cancelled
    )
    assert len(receiver.received) == made.count("delivered")


async def test_who_registers_while_the_end_is_written_is_told(parts: Parts, receiver: Receiver, hook: str) -> None:
    for round_ in range(10):
        video = f"video_{round_}"
        await parts.register(video, callback_url=hook)
        (claim,) = await parts.poller.claim()
        look = Observed(Video(video, VideoStatus.COMPLETED))
        await asyncio.gather(
            parts.poller.record([Looked(claim, look, parts.clock.now())]),
            parts.register(video, callback_url=f"{hook}/late"),
        )
    await parts.send()
    assert len(receiver.received) == 20


async def test_one_key_used_twice_at_once_is_one_watch(parts: Parts, hook: str) -> None:
    answers = await asyncio.gather(*(parts.register(callback_url=hook, key="k") for _ in range(5)))
    assert len({each.watch.id for each in answers}) == 1
    assert sorted(each.created for each in answers) == [False] * 4 + [True]
