"""What a simulated provider was asked, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.models import ProviderState
from bridge.simulator import Simulator
from tests.parts import Parts, sql

START = 1_763_870_000.0


def asked(simulator: Simulator, video_id: str | None = None) -> list[float]:
    """The moments of the requests (for this video), in seconds since the test's clock began."""
    return [seen.at - START for seen in simulator.seen if video_id is None or seen.path.endswith(f"/{video_id}")]


async def state(parts: Parts, provider: str = "openai") -> ProviderState:
    """Where the provider stands, as it was written down."""
    return (await parts.registry.counts()).provider_states[provider]


def column(folder: Path, of: str, table: str = "watches") -> list[Any]:
    """One column of a table, the oldest row first."""
    return [row[0] for row in sql(folder, f"SELECT {of} FROM {table} ORDER BY id")]
