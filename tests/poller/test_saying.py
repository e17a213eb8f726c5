"""What the operator is told of a provider's trouble: once when it begins, once when it is over."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tests.parts import Parts
from tests.servers import SimulatedProvider

Logs = list[MutableMapping[str, Any]]
HOOK = "https://example.com/hook"


async def watched(parts: Parts, provider: SimulatedProvider) -> None:
    provider.simulator.set_outage(500)
    provider.simulator.create("a cat [stuck]", video_id="video_1")
    await parts.register("video_1", callback_url=HOOK)
    await parts.live(60)


async def test_a_provider_that_gives_no_answer_is_named_once(
    parts: Parts, provider: SimulatedProvider, logs: Logs
) -> None:
    await watched(parts, provider)
    (entry,) = [entry for entry in logs if entry["event"] == "provider_trouble"]
    assert (entry["provider"], entry["base_url"]) == ("openai", provider.base_url)
    assert "500" in entry["reason"]


async def test_its_return_is_told_too(parts: Parts, provider: SimulatedProvider, logs: Logs) -> None:
    await watched(parts, provider)
    provider.simulator.clear_outage()
    await parts.live(60)
    told = [entry["event"] for entry in logs if entry["event"].startswith("provider_")]
    assert told == ["provider_trouble", "provider_answers_again"]
