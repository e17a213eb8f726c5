"""How providers stand."""

from __future__ import annotations

from bridge.models import ProviderStanding, ProviderState
from bridge.simulator import Simulator
from bridge.store import standing
from tests.parts import Parts

URL = "http://provider.example/v1"
REFUSED = "the provider refuses our key (401)"


async def test_one_that_was_never_asked_is_trusted(parts: Parts) -> None:
    standings = await parts.registry.standings({"azure": URL})
    assert standings == {"azure": ProviderStanding(ProviderState.OK, None, None, 0)}


async def test_one_in_trouble_says_since_when_and_why(parts: Parts) -> None:
    health = {"state": "paused", "since": 5.5, "reason": REFUSED}
    async with parts.database.write() as tx:
        await standing.keep_provider_health(tx, "openai", URL, health, 6.0)
    standings = await parts.registry.standings({"openai": URL})
    assert standings == {"openai": ProviderStanding(ProviderState.PAUSED, 5.5, REFUSED, 0)}


async def test_one_that_gives_no_answer_is_trusted_but_said_to_be_silent(parts: Parts) -> None:
    health = {"state": "ok", "since": 5.5, "reason": None, "silence": "no usable answer"}
    async with parts.database.write() as tx:
        await standing.keep_provider_health(tx, "openai", URL, health, 6.0)
    standings = await parts.registry.standings({"openai": URL})
    assert standings == {"openai": ProviderStanding(ProviderState.OK, 5.5, "no usable answer", 0)}
    assert await parts.registry.amiss({"openai": URL, "azure": URL}) == {"openai": "no usable answer"}
    assert await parts.registry.amiss({"openai": "http://elsewhere.example/v1"}) == {}


async def test_one_that_is_reached_elsewhere_now_is_a_stranger(parts: Parts) -> None:
    health = {"state": "paused", "since": 5.5, "reason": REFUSED}
    async with parts.database.write() as tx:
        await standing.keep_provider_health(tx, "openai", URL, health, 6.0)
    standings = await parts.registry.standings({"openai": "http://elsewhere.example/v1"})
    assert standings["openai"].state is ProviderState.OK


async def test_videos_are_counted_while_they_are_looked_at(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [duration=0]", video_id="done")
    simulator.create("a cat [stuck]", video_id="stuck")
    for video_id in ("done", "stuck"):
        await parts.register(video_id, callback_url=hook)
    await parts.look()
    standings = await parts.registry.standings({"openai": URL})
    assert standings["openai"].videos_in_flight == 1
