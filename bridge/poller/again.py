"""Looks that showed a video as it was known: of the rows of a list's pages nearly all are such.

They end nothing, teach nothing and are no observation; what is left is when to look again, and the row. So they go past
all that other looks are asked, straight from the row that was read to the row that is written, in half the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bridge.pacing import Group, Pace, group_named
from bridge.pacing.again import after_same
from bridge.poller.learning import Experience
from bridge.store.looks import SameVideo
from bridge.store.sweeps import WaitedVideo


class Same(NamedTuple):
    """A video that was shown as it is known.

    :param group: the narrowest one of its job.
    :param poll_after: the provider's wish for the time to the next look, seconds.
    """

    provider: str
    known: WaitedVideo
    group: Group
    poll_after: float | None


def is_plain(known: WaitedVideo) -> bool:
    """Whether such a look has nothing to put right: no misses end with it, and no push waits to be borne out."""
    return known.observation is not None and not known.missing_count and known.pushed_at is None


def same(provider: str, known: WaitedVideo, poll_after: float | None) -> Same:
    """Such a look at a plain video."""
    video: Mapping[str, str | None] = known.observation or {}
    group = group_named(provider, video.get("model"), video.get("seconds"), video.get("size"))
    return Same(provider, known, group, poll_after)


def planned(shown: Iterable[Same], experience: Experience, pace: Pace, now: float) -> list[SameVideo]:
    """What is written of them."""
    written = []
    for each in shown:
        known = each.known
        prospect = experience.prospect_of(each.group)
        reports, next_at = after_same(known, each.poll_after, now, pace, prospect)
        written.append(SameVideo(known.id, known.looks + 1, reports, next_at))
    return written
