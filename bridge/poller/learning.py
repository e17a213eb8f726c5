"""What the looks of one turn teach: how long jobs take, what a request is worth, whose pushes come first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.models import Video, VideoStatus
from bridge.pacing import Group, Learned, Prospect, Tempo, elapsed_of, group_of, levels_of, prospect_of
from bridge.pacing.progress import as_sums
from bridge.states import VideoState, ending_of
from bridge.store import durations
from bridge.store.database import Transaction

# An end that is known no better than within this share of the job's time teaches nothing.
_TOO_VAGUE = 0.25


class Experience:
    """What is known of jobs and providers, read for one turn; what the turn adds is written with it.

    Whoever reads it to write it holds the providers' standing, so that replicas learn one after the other.
    """

    def __init__(self, learned: Mapping[Group, Learned], tempos: Mapping[str, Tempo]) -> None:
        self._learned = dict(learned)
        self._tempos = dict(tempos)
        self._prospects: dict[Group, Prospect] = {}
        self._taught: set[Group] = set()

    @classmethod
    async def read(cls, tx: Transaction, groups: Collection[Group]) -> Experience:
        """What is known of these groups, of those around them and of their providers."""
        levels = {level for group in groups for level in levels_of(group)}
        keys = {each.key: each for each in levels}
        found = await durations.learned(tx, keys)
        tempos = await durations.tempos_of(tx, {group.provider for group in groups})
        return cls(
            {keys[key]: Learned.from_dict(row) for key, row in found.items()},
            {name: Tempo.from_dict(tempo) for name, tempo in tempos.items()},
        )

    def prospect(self, provider: str, video: Video | None) -> Prospect:
        """What is known of jobs like this one, as it was when the turn began."""
        return self.prospect_of(group_of(provider, video))

    def prospect_of(self, group: Group) -> Prospect:
        """What is known of the jobs of a group, as it was when the turn began."""
        prospect = self._prospects.get(group)
        if prospect is None:
            known = [self._learned.get(level, Learned()) for level in levels_of(group)]
            prospect = self._prospects[group] = prospect_of(known, self.tempo(group.provider))
        return prospect

    def tempo(self, provider: str) -> Tempo:
        """How a provider is asked."""
        return self._tempos.get(provider, Tempo())

    def requested(self, requests: Mapping[str, float], rates: Mapping[str, float], now: float) -> None:
        """So many requests went to each provider within its present budget, requests per second."""
        for provider, number in requests.items():
            self._tempos[provider] = self.tempo(provider).after_requests(number, rates[provider], now)

    def looked(self, provider: str, before: VideoState, after: VideoState, now: float) -> None:
        """Learn from a look, if it showed an end that was not known."""
        video = after.video
        if video is None or ending_of(video) is None or ending_of(before.video) is not None:
            return
        if before.looked_at is not None:  # else it may have ended long before anybody waited
            self._tempos[provider] = self.tempo(provider).after_end(pushed=before.pushed_at is not None)
        seconds = _seconds(video, before, now, self.tempo(provider).ahead)
        if video.status is not VideoStatus.COMPLETED or seconds is None:
            return  # a failure comes when it comes, and says little of how long the others take
        if video.completed_at is not None:
            tempo = self.tempo(provider)
            self._tempos[provider] = tempo.after_completion(video.completed_at, after=before.looked_at, by=now)
        for level in levels_of(group_of(provider, video)):
            self._learned[level] = self._learned.get(level, Learned()).after(seconds, as_sums(before.reports))
            self._taught.add(level)

    async def keep(self, tx: Transaction, now: float) -> None:
        """Write what was added."""
        taught = {each.key: self._learned[each].as_dict() for each in self._taught}
        await durations.keep_learned(tx, taught, now)
        await durations.keep_tempos(tx, {name: each.as_dict() for name, each in self._tempos.items()}, now)


def _seconds(video: Video, before: VideoState, now: float, ahead: float) -> float | None:
    """How long a job took, by its provider's clock, else by our looks; None when neither can tell."""
    if video.created_at is not None and video.completed_at is not None and video.completed_at >= video.created_at:
        return float(video.completed_at - video.created_at)
    if before.looked_at is None:
        return None
    ran = elapsed_of(VideoState(video, registered_at=before.registered_at), now, ahead)
    unknown = now - before.looked_at
    return ran - unknown / 2 if unknown <= _TOO_VAGUE * ran else None
