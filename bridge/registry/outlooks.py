"""When watched videos are looked at next, and why, by what is stored of them."""

from __future__ import annotations

from collections.abc import Collection

from bridge.models import Outlook
from bridge.pacing import Hindrance, Learned, Prospect, Tempo, explain, group_of, levels_of, prospect_of
from bridge.pacing.learning import Group
from bridge.store import durations, outlooks, standing, watches
from bridge.store.database import Transaction


async def outlooks_of(tx: Transaction, watch_ids: Collection[str], now: float) -> dict[str, Outlook]:
    """The outlook of those of these watches that there are."""
    planned = await outlooks.of_watches(tx, watch_ids)
    groups = {each: group_of(video.provider, video.state.video) for each, video in planned.items()}
    prospects = await _prospects(tx, set(groups.values()))
    hindrances = await _hindrances(tx)
    found = {each: explain(None, None, now, Prospect()) for each in await watches.existing(tx, watch_ids)}
    for each, video in planned.items():
        leased = video.lease_until is not None and video.lease_until > now
        found[each] = explain(
            video.state,
            video.next_at,
            now,
            prospects[groups[each]],
            leased=leased,
            hindrance=hindrances.get(video.provider, Hindrance()),
        )
    return found


async def _hindrances(tx: Transaction) -> dict[str, Hindrance]:
    known = await standing.provider_health(tx)
    return {name: Hindrance(standing.amiss(health), health["not_before"]) for name, (_, health) in known.items()}


async def _prospects(tx: Transaction, groups: Collection[Group]) -> dict[Group, Prospect]:
    levels = {level for group in groups for level in levels_of(group)}
    known = await durations.learned(tx, {each.key for each in levels})
    tempos = await durations.tempos_of(tx, {group.provider for group in groups})
    learned = {each: Learned.from_dict(known[each.key]) if each.key in known else Learned() for each in levels}
    return {
        group: prospect_of(
            [learned[level] for level in levels_of(group)], Tempo.from_dict(tempos.get(group.provider, {}))
        )
        for group in groups
    }
