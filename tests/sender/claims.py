"""Claimed deliveries for what is decided purely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.models import EventType
from bridge.store.deliveries import ClaimedDelivery

NOW = 1_763_870_000.0

CLAIM = ClaimedDelivery(
    id="dlv_0",
    fence=1,
    event_id="evt_1",
    event_type=EventType.VIDEO_COMPLETED,
    event_at=NOW,
    video={},
    watch_id="watch_1",
    watch_created_at=NOW,
    watch_metadata={},
    provider="openai",
    destination_id="dest_1",
    origin="inline",
    kind="slack",
    target="t1",
    host="a.example",
    config=b"",
    enabled=True,
    claimed_at=NOW,
    created_at=NOW,
    body=None,
    step=0,
    attempts=0,
    manual_asked=0,
    manual_done=0,
)


def claims(number: int, **fields: Any) -> list[ClaimedDelivery]:
    """So many deliveries for one target, the oldest first."""
    return [replace(CLAIM, id=f"dlv_{place}", **fields) for place in range(number)]
