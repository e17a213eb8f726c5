"""Events to deliver, made without a provider."""

from __future__ import annotations

from typing import Any

from bridge.models import DeliveryView, Observed, Video, VideoStatus
from bridge.poller.recording import Looked
from bridge.registry import Registered
from tests.parts import Parts

NOWHERE = {"openai": "http://127.0.0.1:9/v1"}
# What happened is told to begin at this moment, Unix seconds.
START = 1_763_870_000


async def ended(parts: Parts, video_id: str = "video_1", **fields: Any) -> Registered:
    """A watch whose video has just completed, with its deliveries due."""
    registered = await parts.register(video_id, **fields)
    claims = await parts.poller.claim()
    observed = [Observed(Video(claim.video_id, VideoStatus.COMPLETED, prompt="a cat")) for claim in claims]
    await parts.poller.record(
        [Looked(claim, look, parts.clock.now()) for claim, look in zip(claims, observed, strict=True)]
    )
    return registered


def moments(delivery: DeliveryView) -> list[float]:
    """When the attempts of a delivery were made, in seconds since the test's clock began."""
    return [attempt.at - START for attempt in delivery.attempts]


def outcomes(delivery: DeliveryView) -> list[tuple[str, str | None, int | None]]:
    """What the attempts of a delivery came to: outcome, reason, status."""
    return [(each.outcome.value, each.reason and each.reason.value, each.status) for each in delivery.attempts]
