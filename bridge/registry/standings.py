"""How providers stand, by what is stored of them. One whose base URL is another now is a stranger again."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.models import ProviderStanding, ProviderState
from bridge.store import standing, videos
from bridge.store.database import Transaction


async def standings_of(tx: Transaction, base_urls: Mapping[str, str]) -> dict[str, ProviderStanding]:
    """How the providers with these base URLs stand, by name."""
    known = await _known(tx, base_urls)
    in_flight = await videos.in_flight(tx)
    found = {}
    for name in base_urls:
        state, since, amiss = known.get(name, (ProviderState.OK, None, None))
        found[name] = ProviderStanding(state, since, amiss, in_flight.get(name, 0))
    return found


async def amiss_with(tx: Transaction, base_urls: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the providers with these base URLs, by the name of those with which something is."""
    known = await _known(tx, base_urls)
    return {name: amiss for name, (_, _, amiss) in known.items() if amiss is not None}


async def _known(
    tx: Transaction, base_urls: Mapping[str, str]
) -> dict[str, tuple[ProviderState, float | None, str | None]]:
    stored = await standing.provider_health(tx)
    return {
        name: (ProviderState(health["state"]), health["since"], standing.amiss(health))
        for name, (base_url, health) in stored.items()
        if base_urls.get(name) == base_url
    }
