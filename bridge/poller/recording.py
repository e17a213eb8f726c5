"""Writing looks down: states, endings, events and deliveries of one turn in the caller's one transaction.

What each look means is decided by `bridge.events`, when to look again by `bridge.pacing`, whether a provider's "not
there" may be believed by `bridge.providers.health`, who is told by `bridge.outbox`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge import events, pacing
from bridge.models import BadKey, Look, Missing, Observed, ProviderState, SlowDown, Trouble
from bridge.outbox import EndedWatch, tell
from bridge.pacing import Group, Pace, group_of
from bridge.poller import again
from bridge.poller.again import Same
from bridge.poller.learning import Experience
from bridge.providers import health as standing_of
from bridge.providers.health import Health
from bridge.states import TIMED_OUT, VideoState, ending_of
from bridge.store import looks, observations, standing, videos, watches
from bridge.store.database import Transaction
from bridge.store.looks import LookedVideo
from bridge.store.observations import KEPT, Observation
from bridge.store.videos import ClaimedVideo

# "Looked at in the last minute": the window in which a provider's "not there" answers are counted, seconds.
_WINDOW = 60.0
# A wait from which on a provider that asked for it cannot be asked in time about watches that are up, seconds.
_LONG_WAIT = 60.0
_OVERDUE_BATCH = 500

_WORDS: Mapping[type, str] = {
    Observed: "observed",
    Missing: "missing",
    BadKey: "bad_key",
    SlowDown: "slow_down",
    Trouble: "trouble",
}


class Looked(NamedTuple):
    """One finished look; times are Unix seconds.

    :param moved: by how much the clock had been moved when the look began.
    :param requests: how many it cost: none where a page of a list showed it, which is counted by itself.
    """

    claim: ClaimedVideo
    look: Look
    started_at: float
    moved: float = 0.0
    requests: int = 1

    @property
    def word(self) -> str:
        """What the look is called in the table and in metrics."""
        return _WORDS[type(self.look)]


@dataclass(slots=True)
class Recorded:
    """What one turn came to; ``moved`` when a look showed a video otherwise than it was known.

    :param planned: when the videos are looked at again, by their rows.
    """

    health: dict[str, Health]
    ended: list[EndedWatch] = field(default_factory=list)
    told: int = 0
    moved: bool = False
    planned: Mapping[str, float | None] = field(default_factory=dict)


async def record_looks(
    tx: Transaction,
    results: Sequence[Looked],
    *,
    owner: str,
    health: Mapping[str, Health],
    base_urls: Mapping[str, str],
    rates: Mapping[str, float],
    pace: Pace,
    now: float,
    held: Mapping[str, VideoState] | None = None,
    same: Collection[Same] = (),
    pages: Mapping[str, int] | None = None,
) -> Recorded:
    """Write all looks of one turn. A look whose lease was lost meanwhile changes nothing about its video.

    :param rates: the present budget of each provider, requests per second: pacing keeps the fleet within it.
    :param held: the present states of the videos, when the caller holds them without leases.
    :param same: videos that the caller holds, too, and that were shown as they are known.
    :param pages: how many pages of a provider's list were read.
    """
    if held is None:
        held = await videos.held(tx, [each.claim for each in results], owner)
    mine = _latest(each for each in results if each.claim.id in held)
    states = {each.claim.id: events.after_look(held[each.claim.id], each.look, now) for each in mine}
    health = await shared_health(tx, health, base_urls, hold=True)
    experience = await _learn(tx, results, same, pages or {}, held, states, rates, now)
    written = [_looked_video(each, held[each.claim.id], states[each.claim.id], experience, pace, now) for each in mine]
    await looks.write(tx, written)
    written_same = again.planned(same, experience, pace, now)
    await looks.write_same(tx, written_same, now)
    await _observe(tx, mine, written, held, now)
    recorded = Recorded(await _stand(tx, results, {each.provider for each in same}, health, now))
    planned: dict[str, float | None] = {each.id: each.next_at for each in written}
    recorded.planned = planned | {each.id: each.next_at for each in written_same}
    recorded.moved = any(each.changed for each in written)
    await _end(tx, recorded, await _ending_watches(tx, mine, states, recorded.health, pace, now), now)
    for each in results:
        if _speaks_for_all(each.look, health[each.claim.provider], recorded.health[each.claim.provider]):
            await expire_overdue(tx, recorded, each.claim.provider, before=each.started_at, now=now)
    for name, after in recorded.health.items():
        if after != health[name]:
            await standing.keep_provider_health(tx, name, base_urls[name], after.as_dict(), now)
    return recorded


def _latest(results: Iterable[Looked]) -> list[Looked]:
    """One look for each video: a process that stood still may come with two, and the earlier lease is lost."""
    return list({each.claim.id: each for each in sorted(results, key=lambda each: each.claim.fence)}.values())


async def _observe(
    tx: Transaction,
    mine: Sequence[Looked],
    written: Sequence[LookedVideo],
    before: Mapping[str, VideoState],
    now: float,
) -> None:
    """Keep what these looks changed, for the time line of each watch."""
    telling = [
        (look, each.state)
        for look, each in zip(mine, written, strict=True)
        if each.changed or _began_to_be_missing(before[each.id], each.state)
    ]
    await observations.add(tx, [_observation(look, state, now) for look, state in telling])
    await observations.trim(tx, [look.claim.id for look, state in telling if state.looks > KEPT])


def _observation(each: Looked, state: VideoState, now: float) -> Observation:
    video = state.video
    return Observation(
        each.claim.id,
        now,
        each.word,
        None if video is None else video.status,
        None if video is None else video.progress,
    )


def _began_to_be_missing(before: VideoState, after: VideoState) -> bool:
    return after.missing_count == 1 and before.missing_count == 0


async def shared_health(
    tx: Transaction, known: Mapping[str, Health], base_urls: Mapping[str, str], *, hold: bool = False
) -> dict[str, Health]:
    """How the providers stand by what any process has seen; one that nobody wrote anything of stands as ``known``.

    :param hold: nobody else may change it until the transaction ends.
    """
    stored = await standing.provider_health(tx, hold=hold)
    return dict(known) | {
        name: Health.from_dict(health) for name, (base_url, health) in stored.items() if base_urls.get(name) == base_url
    }


async def expire_overdue(tx: Transaction, recorded: Recorded, provider: str, *, before: float, now: float) -> None:
    """End watches whose time was up at ``before`` and whose provider cannot be asked about them."""
    found = await watches.overdue(tx, provider, before, _OVERDUE_BATCH)
    ended = [
        (each.video_row, EndedWatch(each.watch.id, TIMED_OUT, events.told_video(each.video, each.video_id)))
        for each in found
    ]
    await _end(tx, recorded, ended, now)


async def _end(tx: Transaction, recorded: Recorded, ended: Sequence[tuple[str, EndedWatch]], now: float) -> None:
    """Write endings with all they tell, and stop looking at videos nobody waits for any more."""
    recorded.told += await tell(tx, [watch for _, watch in ended], now)
    recorded.ended += [watch for _, watch in ended]
    await videos.settle(tx, {row for row, _ in ended})


async def _stand(
    tx: Transaction, results: Sequence[Looked], shown: Collection[str], health: Mapping[str, Health], now: float
) -> dict[str, Health]:
    """How the providers stand after these looks, and after videos of some were shown as they are known."""
    after = dict(health)
    for name in shown:
        after[name] = standing_of.after_shown(after[name], now)
    for each in results:
        name = each.claim.provider
        after[name] = standing_of.after(after[name], each.look, each.claim.video_id, now)
    doubted = {each.claim.provider for each in results if isinstance(each.look, Missing)}
    doubted |= {each.claim.provider for each in results if after[each.claim.provider].state is ProviderState.SUSPECT}
    for name in doubted:
        missing, looked_at = await videos.looked_since(tx, name, now - _WINDOW)
        after[name] = standing_of.judge(after[name], missing=missing, looked_at=looked_at, now=now)
    return after


async def _ending_watches(
    tx: Transaction,
    mine: Sequence[Looked],
    states: Mapping[str, VideoState],
    health: Mapping[str, Health],
    pace: Pace,
    now: float,
) -> list[tuple[str, EndedWatch]]:
    """The watches that end by these looks, each with its video's row."""
    verdicts = {}
    for each in mine:
        state = states[each.claim.id]
        allowed = standing_of.verdict_allowed(health[each.claim.provider])
        lost = events.lost_ending(state, each.look, now, grace=pace.lost_grace, allowed=allowed)
        ending = ending_of(state.video) or lost
        up = state.deadline is not None and state.deadline <= each.started_at
        if ending is not None or (up and _may_be_the_last(each.look, health[each.claim.provider])):
            verdicts[each.claim.id] = (each, ending)
    live = await watches.live(tx, verdicts)
    return [
        (row, EndedWatch(watch.id, how, events.told_video(states[row].video, each.claim.video_id)))
        for row, (each, ending) in verdicts.items()
        for watch, how in events.endings(live[row], ending, looked_from=each.started_at)
    ]


async def _learn(
    tx: Transaction,
    results: Sequence[Looked],
    same: Collection[Same],
    pages: Mapping[str, int],
    held: Mapping[str, VideoState],
    states: Mapping[str, VideoState],
    rates: Mapping[str, float],
    now: float,
) -> Experience:
    """What is known of jobs like those looked at, these looks included."""
    names = {each.claim.id: each.claim.provider for each in results}
    groups = {group_of(name, states[row].video if row in states else None) for row, name in names.items()}
    groups |= {each.group for each in same} | {Group(name) for name in pages}
    experience = await Experience.read(tx, groups)
    requests = Counter(pages)
    for each in results:
        requests[each.claim.provider] += each.requests
    experience.requested(requests, rates, now)
    for row, state in states.items():
        experience.looked(names[row], held[row], state, now)
    await experience.keep(tx, now)
    return experience


def _looked_video(
    each: Looked, before: VideoState, state: VideoState, experience: Experience, pace: Pace, now: float
) -> LookedVideo:
    prospect = experience.prospect(each.claim.provider, state.video)
    state = state._replace(reports=pacing.remember(state, each.look, now, prospect.ahead))
    next_at = pacing.next_look(state, each.look, now, pace, prospect)
    return LookedVideo(each.claim.id, state, now, each.word, next_at, changed=state.video != before.video)


def _may_be_the_last(look: Look, after: Health) -> bool:
    """Whether a watch whose time was up may give up by this look.

    Not by the first 429 of a row: all looks that waited for their turn are answered with it, unasked, when after a
    downtime many are owed at once. They are made up for once the wait is over; a second 429 then is an answer.
    """
    return not isinstance(look, SlowDown) or after.slow_downs > 1


def _speaks_for_all(look: Look, before: Health, after: Health) -> bool:
    """Whether this answer says that no video of the provider can be asked about for now.

    A probe of a paused provider that did not bring it back, or a 429 that closes it for long once more: a watch whose
    time is up would wait for a look that cannot come.
    """
    if isinstance(look, Observed) or not _may_be_the_last(look, after):
        return False
    closed_for_long = isinstance(look, SlowDown) and (look.retry_after or 0.0) >= _LONG_WAIT
    return closed_for_long or before.state is ProviderState.PAUSED
