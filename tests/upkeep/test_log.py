"""What writers of SQLite leave for later is done by the upkeep."""

from __future__ import annotations

from pathlib import Path

from bridge.metrics import Metrics
from bridge.store import Database
from bridge.upkeep import DAY, Upkeep
from tests.clock import ManualClock
from tests.parts import Setting, open_parts


class Told(Database):
    moved = 0

    async def move_log(self) -> None:
        await super().move_log()
        self.moved += 1


async def test_each_turn_moves_the_log(tmp_path: Path, clock: ManualClock) -> None:
    nowhere = {"openai": "http://127.0.0.1:9/v1"}
    async with open_parts(tmp_path, clock, nowhere, Setting(database=Told)) as parts:
        assert isinstance(parts.database, Told)
        upkeep = Upkeep(parts.database, clock, Metrics(), retention=30 * DAY)
        await upkeep.tick()
        await upkeep.tick()
        assert parts.database.moved == 2
