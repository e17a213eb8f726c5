"""Somebody else is told when a delivery has failed for good: once, and never in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter
from starlette.responses import Response

from bridge.models import DeliveryStatus, Reason
from bridge.registry.bodies import NewDestination
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended

READ = TypeAdapter(NewDestination).validate_python


async def store(parts: Parts, name: str, url: str, **fields: object) -> None:
    await parts.registry.destinations.create(
        READ({"kind": "callback", "name": name, "url": url, **fields}), created_by=None
    )


@pytest.fixture
def paths(receiver: Receiver) -> list[str]:
    """Paths that are refused."""
    refused: list[str] = []
    receiver.refuse_path = lambda path: Response(status_code=500) if path in refused else None
    return refused


async def told(parts: Parts, name: str, seconds: float = 60) -> list[str]:
    await ended(parts, destinations=[name])
    await parts.live(seconds)
    return [f"{each.destination.name} {each.status}" for each in await parts.deliveries()]


async def test_the_one_that_stands_in_is_told_what_could_not_be_delivered(
    parts: Parts, receiver: Receiver, hook: str, paths: list[str]
) -> None:
    paths.append("/hook/a")
    await store(parts, "b", f"{hook}/b", events=["video.failed"])
    await store(parts, "a", f"{hook}/a", fallback="b")
    assert await told(parts, "a") == ["a failed", "b delivered"]
    assert len({call.id for call in receiver.received}) == 1


async def test_each_of_a_chain_is_told_until_one_has_it(parts: Parts, hook: str, paths: list[str]) -> None:
    paths += ["/hook/a", "/hook/b"]
    await store(parts, "c", f"{hook}/c")
    await store(parts, "b", f"{hook}/b", fallback="c")
    await store(parts, "a", f"{hook}/a", fallback="b")
    assert await told(parts, "a", 100) == ["a failed", "b failed", "c delivered"]


async def test_nobody_is_told_again_when_a_dead_letter_fails_again(parts: Parts, hook: str, paths: list[str]) -> None:
    paths.append("/hook/a")
    await store(parts, "b", f"{hook}/b")
    await store(parts, "a", f"{hook}/a", fallback="b")
    await told(parts, "a")
    await parts.registry.retry((await parts.deliveries())[0].id)
    await parts.live(60)
    assert [each.status.value for each in await parts.deliveries()] == ["failed", "delivered"]


async def test_who_was_told_anyway_is_not_told_twice(
    parts: Parts, receiver: Receiver, hook: str, paths: list[str]
) -> None:
    paths.append("/hook/a")
    await store(parts, "b", f"{hook}/b")
    await store(parts, "a", f"{hook}/a", fallback="b")
    await ended(parts, destinations=["a", "b"])
    await parts.live(60)
    assert [call.path for call in receiver.received].count("/hook/b") == 1


async def test_what_waits_for_a_target_that_is_gone_is_given_up_at_once_and_told(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers += [Response(status_code=500), Response(status_code=410)]
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=(5.0, 3600.0))) as parts:
        await store(parts, "b", f"{hook}/b")
        await store(parts, "a", f"{hook}/a", fallback="b")
        await ended(parts, "first", destinations=["a"])
        await parts.live(1)
        await ended(parts, "second", destinations=["a"])
        await parts.live(1)
        found = {each.destination.name: (each.status, each.reason) for each in await parts.deliveries()}
        assert len(await parts.deliveries()) == 4
    assert found == {"a": (DeliveryStatus.FAILED, Reason.GONE), "b": (DeliveryStatus.DELIVERED, None)}
