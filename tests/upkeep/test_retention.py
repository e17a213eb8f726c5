"""What is old is forgotten, with all that belongs to it; dead letters later, what is pending never."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from bridge.metrics import Metrics
from bridge.store import retention
from bridge.upkeep import DAY, Upkeep
from tests.clock import ManualClock
from tests.parts import Parts, Setting, open_parts, sql
from tests.receiver import Receiver
from tests.sender.events import NOWHERE, ended

TABLES = ("watches", "events", "deliveries", "attempts", "watch_destinations", "videos", "destinations", "targets")


def upkeep_of(parts: Parts, days: float = 30) -> Upkeep:
    return Upkeep(parts.database, parts.clock, Metrics(), retention=days * DAY)


def left(folder: Path) -> dict[str, int]:
    return {table: sql(folder, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


async def test_after_thirty_days_nothing_is_left_of_a_watch(parts: Parts, hook: str, tmp_path: Path) -> None:
    await ended(parts, callback_url=hook)
    await parts.send()
    await parts.clock.advance(30 * DAY - 60)
    await upkeep_of(parts).purge()
    assert left(tmp_path)["watches"] == 1
    await parts.clock.advance(61)
    await upkeep_of(parts).purge()
    assert set(left(tmp_path).values()) == {0}


async def test_a_dead_letter_is_kept_twice_as_long(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=410))
    async with open_parts(tmp_path, clock, NOWHERE) as parts:
        await ended(parts, callback_url=hook)
        await parts.send()
        for days, kept in ((31, 1), (28, 1), (2, 0)):
            await clock.advance(days * DAY)
            await upkeep_of(parts).purge()
            assert left(tmp_path)["deliveries"] == kept
        assert set(left(tmp_path).values()) == {0}


async def test_what_is_pending_or_watched_is_kept(
    tmp_path: Path, clock: ManualClock, receiver: Receiver, hook: str
) -> None:
    receiver.answers.append(Response(status_code=500))
    async with open_parts(tmp_path, clock, NOWHERE, Setting(retries=(60 * DAY,))) as parts:
        await ended(parts, "pending", callback_url=hook)
        await parts.send()
        await parts.register("watched", callback_url=hook)
        await clock.advance(50 * DAY)
        await upkeep_of(parts).purge()
        assert left(tmp_path)["watches"] == 2


async def test_what_others_still_refer_to_is_kept(parts: Parts, hook: str, tmp_path: Path) -> None:
    await ended(parts, callback_url=hook)
    await parts.send()
    await parts.clock.advance(31 * DAY)
    await parts.register("other", callback_url=hook)
    await upkeep_of(parts).purge()
    assert {name: left(tmp_path)[name] for name in ("watches", "videos", "destinations")} == {
        "watches": 1,
        "videos": 1,
        "destinations": 1,
    }


async def test_it_goes_in_batches(parts: Parts, hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        await ended(parts, f"video_{number}", callback_url=hook)
    await parts.send()
    await parts.clock.advance(31 * DAY)
    async with parts.database.write() as tx:
        assert await retention.purge(tx, before=parts.clock.now(), dead_before=0, limit=3) == 3
    upkeep = upkeep_of(parts)
    assert await upkeep.tick() <= 5
    assert left(tmp_path)["watches"] == 0
