"""How many live watches one registrant may have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bridge.errors import RateLimitedError, RequestError
from bridge.registry import Registered, Registration, Registry
from bridge.registry.allowance import COUNTED_FOR, LOOK_AGAIN
from bridge.simulator import Simulator
from tests.parts import Parts
from tests.registry.storing import registry_with

HOOK = "https://example.com/hook"


@pytest.fixture
def registry(parts: Parts) -> Registry:
    return registry_with(parts, watches_per_key=3)


async def register(registry: Registry, *video_ids: str, by: str | None = "ci") -> list[Registered | RequestError]:
    bodies = [Registration(video_id=video_id, callback_url=HOOK) for video_id in video_ids]
    return await registry.register_many(bodies, created_by=by)


def made(answers: Sequence[Registered | RequestError]) -> str:
    """One letter for each answer: new, known, or refused."""
    return "".join(("n" if each.created else "k") if isinstance(each, Registered) else "r" for each in answers)


async def test_the_last_that_fits_is_made_and_the_next_is_refused(registry: Registry) -> None:
    assert made(await register(registry, "a", "b")) == "nn"
    assert made(await register(registry, "c")) == "n"
    (refused,) = await register(registry, "d")
    assert isinstance(refused, RateLimitedError)
    assert (refused.code, refused.retry_after) == ("too_many_watches", 60.0)
    assert "BRIDGE_WATCHES_PER_KEY" in refused.message


async def test_of_a_batch_as_many_are_made_as_fit(registry: Registry) -> None:
    assert made(await register(registry, "a", "b", "c", "d", "e", "a")) == "nnnrrk"


async def test_what_is_registered_already_is_no_further_one(registry: Registry) -> None:
    await register(registry, "a", "b", "c")
    assert made(await register(registry, "b", "c", "d")) == "kkr"


async def test_who_is_refused_leaves_nothing_behind(parts: Parts, registry: Registry) -> None:
    await register(registry, "a", "b", "c", "d")
    assert (await parts.registry.counts()).videos_in_flight == {"openai": 3}


@pytest.mark.parametrize("by", ["other", None])
async def test_everybody_has_as_many(registry: Registry, by: str | None) -> None:
    await register(registry, "a", "b", "c")
    assert made(await register(registry, "a", "b", "c", "d", by=by)) == "nnnr"


async def test_what_has_ended_counts_no_more(parts: Parts, registry: Registry) -> None:
    first, *_ = await register(registry, "a", "b", "c")
    assert isinstance(first, Registered)
    await registry.cancel(first.watch.id)
    await parts.clock.advance(LOOK_AGAIN)
    assert made(await register(registry, "d", "e")) == "nr"


async def test_a_video_that_has_ended_leaves_nothing_to_wait_for(
    parts: Parts, registry: Registry, simulator: Simulator
) -> None:
    simulator.create("a cat [duration=0]", video_id="over")
    await parts.register("over", callback_url=HOOK)
    await parts.look()
    await register(registry, "a", "b", "c")
    assert made(await register(registry, "over", "d")) == "nr"


async def test_what_another_replica_registered_is_seen_in_time(parts: Parts, registry: Registry) -> None:
    other = registry_with(parts, watches_per_key=3)
    await register(registry, "a")
    await register(other, "b", "c")
    await parts.clock.advance(COUNTED_FOR)
    assert made(await register(registry, "d")) == "r"


async def test_without_a_limit_there_is_none(parts: Parts) -> None:
    answers = await register(parts.registry, *(f"video_{number}" for number in range(20)))
    assert made(answers) == "n" * 20
