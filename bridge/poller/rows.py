"""What a row of a list means for the video it names: pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any

from bridge.models import Video, VideoStatus
from bridge.providers.pages import ListedRow
from bridge.store.sweeps import WaitedVideo

# A row that shows nothing new is written at least this often, so that the video counts as looked at, seconds.
_WRITTEN_EVERY = 20.0
# Lists and single answers say these in ways of their own: they are always read.
_READ = frozenset({"id", "object", "error"})
_KEPT = tuple(field.name for field in fields(Video) if field.name not in ("id", "status", "error"))


class Row(Enum):
    """What is done about a row that is not recorded as a look."""

    PASSED_OVER = "passed over"
    """It says nothing: it is no video, or a single look is under way, or owed, or was later."""
    KNOWN = "known"
    """It shows what is known, and that need not be written again yet."""
    AGAIN = "again"
    """It shows what is known, and counts as a look."""
    DOUBTED = "doubted"
    """It says that the job has ended, which a single look is to confirm."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a page is read.

    :param asked_at: when the page was asked for; :param now: when it is recorded. Unix seconds.
    :param believed: whether rows are believed. Until then they give a video its first look, and call for single looks
        at those that they say have ended; all others are looked at on their own schedule, for a list may be behind.
    """

    asked_at: float
    now: float
    believed: bool

    def of(self, row: ListedRow, known: WaitedVideo) -> Video | Row:
        """The video to record as observed, where it shows otherwise than it is known."""
        if self._is_overtaken(known):
            return Row.PASSED_OVER
        observation = known.observation
        under_way = known.lease_until is not None and known.lease_until > self.now
        if observation is not None and not self.believed and not known.missing_count:
            video = row.video()
            return Row.DOUBTED if video is not None and video.status is not None and video.status.final else Row.KNOWN
        if observation is not None and row.fields["status"] == observation["status"]:
            differing = _differing(row.fields, observation)
            if not differing:
                return Row.AGAIN if not under_way and self._is_to_be_written(known) else Row.KNOWN
            progress = row.fields.get("progress")
            if differing == ["progress"] and type(progress) is int and 0 <= progress <= 100:
                return Row.PASSED_OVER if under_way else Video.from_dict({**observation, "progress": progress})
        return self._read(row, observation, under_way=under_way)

    def _read(self, row: ListedRow, observation: Mapping[str, Any] | None, *, under_way: bool) -> Video | Row:
        """What a row shows that is to be read as a whole."""
        video = row.video()
        if video is None:
            return Row.PASSED_OVER
        if video.status is not None and video.status.final:
            # A single look may know what went wrong; a list often does not say.
            told = video.status is VideoStatus.COMPLETED or row.explained
            return merged(video, observation) if self.believed and told else Row.DOUBTED
        return Row.PASSED_OVER if under_way else merged(video, observation)

    def _is_overtaken(self, known: WaitedVideo) -> bool:
        """Whether a single look knows better. One is owed to watches whose time is up."""
        if known.looked_at is not None and known.looked_at > self.asked_at:
            return True
        return known.deadline is not None and known.deadline <= self.asked_at

    def _is_to_be_written(self, known: WaitedVideo) -> bool:
        """Whether what shows nothing new is written: before its own look is due, or when that was long ago."""
        if known.missing_count or known.looked_at is None:
            return True
        half = known.looked_at + min((known.next_at - known.looked_at) / 2, _WRITTEN_EVERY)
        return half <= self.now


def merged(video: Video, observation: Mapping[str, Any] | None) -> Video:
    """What a row shows; what it leaves out stays as it is known."""
    if observation is None:
        return video
    left_out = {name: observation[name] for name in _KEPT if getattr(video, name) is None}
    kept = {name: value for name, value in left_out.items() if value is not None}
    return replace(video, **kept) if kept else video


def _differing(row: Mapping[str, Any], observation: Mapping[str, Any]) -> list[str]:
    """What a row, as it came, shows otherwise than it is known. A final video is not waited for, so none is here."""
    if observation.items() <= row.items():  # as nearly always, and ten times as quick to find out
        return []
    return [
        name
        for name, value in observation.items()
        if (shown := row.get(name)) is not None and shown != value and name not in _READ
    ]
