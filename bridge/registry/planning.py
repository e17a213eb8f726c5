"""What a batch of registrations comes to: decided in order, on what was read for all of them at once. No I/O.

The answers are those that registering one by one would give: what an earlier registration of the batch makes is there
for the later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.errors import ConflictError, InvalidRequestError
from bridge.ids import new_id
from bridge.models import WatchStatus
from bridge.outbox import EndedWatch
from bridge.registry.again import Again, judge_again
from bridge.registry.bodies import Registration
from bridge.registry.destinations import Inline, Named
from bridge.states import Ending, ending_of
from bridge.store.destinations import DestinationRow
from bridge.store.videos import StoredVideo
from bridge.store.watches import Holder, NewWatch


class ReadRegistration(NamedTuple):
    """A registration with everything resolved that needs no database.

    A named tuple, as is all that is made once for each watch: they take a third of the time of frozen dataclasses,
    which was a tenth of registering a batch.
    """

    body: Registration
    provider: str
    destinations: Sequence[Named | Inline]
    created_by: str | None

    @property
    def video(self) -> tuple[str, str]:
        """Provider and id of the video it is about."""
        return self.provider, self.body.video_id


class Asked(NamedTuple):
    """A registration with its destinations (the default ones if it named none), and what it is known by.

    :param slot: who registers under which key; :param content: what is registered.
    """

    read: ReadRegistration
    destinations: Sequence[Named | Inline]
    key: str
    slot: str
    content: str


@dataclass(slots=True)
class Known:
    """What there is of all that a batch names. A plan adds what it makes.

    :param holders: watches by slot.
    :param named: ids of stored destinations by name; :param inline: of inline ones by their digest.
    :param videos: by provider and id.
    """

    holders: dict[str, Holder]
    named: Mapping[str, str]
    inline: dict[str, str]
    videos: dict[tuple[str, str], StoredVideo]


class Placed(NamedTuple):
    """Where a registration led: its watch, and whether that is new."""

    watch_id: str
    created: bool


@dataclass(slots=True)
class Plan:
    """What is to be written for a batch, and what each of it is answered.

    :param now: Unix seconds.
    :param watch_timeout: seconds, for watches that name none.
    :param make_row: the row of an inline destination that is not there yet.
    :param admit: asked before a watch that will wait is planned; raises when there are too many.
    :param vacated: watches whose slot goes to a new one.
    :param new_videos: rows to be made; :param deadlines: by row, until when a video is waited for.
    :param ended: new watches whose video had ended before.
    """

    known: Known
    now: float
    watch_timeout: float
    make_row: Callable[[Inline, str | None, float], DestinationRow]
    admit: Callable[[], None]
    destinations: list[DestinationRow] = field(default_factory=list)
    vacated: list[str] = field(default_factory=list)
    new_videos: dict[str, tuple[str, str]] = field(default_factory=dict)
    deadlines: dict[str, float] = field(default_factory=dict)
    watches: dict[str, NewWatch] = field(default_factory=dict)
    ended: list[EndedWatch] = field(default_factory=list)

    def place(self, asked: Asked) -> Placed:
        """The watch of a registration, there already or planned.

        :raises InvalidRequestError: a destination is not there, or none is given; :raises ConflictError: the key
        stands for something else; :raises RateLimitedError: no more may be registered.
        """
        if not asked.destinations:
            raise InvalidRequestError(
                "Name at least one destination (`callback_url` or `destinations`); this server has no default one.",
                param="destinations",
                code="missing",
            )
        holder = self.known.holders.get(asked.slot)
        if holder is not None:
            again = judge_again(holder.status, same_content=holder.content == asked.content)
            if again is Again.CONFLICT:
                raise ConflictError(
                    "This key was used for another registration; use another key, or the same content.",
                    param="key",
                    code="key_reused",
                )
            if again is Again.SAME:
                return Placed(holder.id, created=False)
        self._check_names(asked)
        about = asked.read.video
        video = self.known.videos.get(about)
        ending = None if video is None else ending_of(video.video)
        if ending is None:
            self.admit()
        destination_ids = [self._destination_id(each, asked.read.created_by) for each in asked.destinations]
        if holder is not None:
            self.vacated.append(holder.id)
        if video is None:
            video = self.known.videos[about] = StoredVideo(new_id("vid"), None)
            self.new_videos[video.id] = about
        return self._add(asked, video, ending, destination_ids)

    def _check_names(self, asked: Asked) -> None:
        # Before anything is planned: what is refused must leave no rows of the other destinations behind.
        for each in asked.destinations:
            if isinstance(each, Named) and each.name not in self.known.named:
                raise InvalidRequestError(f"There is no stored destination {each.name!r}.", param=each.param)

    def _destination_id(self, told: Named | Inline, created_by: str | None) -> str:
        if isinstance(told, Named):
            return self.known.named[told.name]
        known = self.known.inline.get(told.row_digest)
        if known is None:
            row = self.make_row(told, created_by, self.now)
            self.destinations.append(row)
            known = self.known.inline[told.row_digest] = row.id
        return known

    def _add(self, asked: Asked, video: StoredVideo, ending: Ending | None, destination_ids: Sequence[str]) -> Placed:
        body, provider, _, created_by = asked.read
        until = self.now + (body.timeout or self.watch_timeout)
        new = NewWatch(
            new_id("watch"),
            video.id,
            provider,
            body.video_id,
            asked.slot,
            asked.key,
            asked.content,
            body.metadata,
            self.now,
            created_by,
            until,
            destination_ids,
        )
        self.watches[new.id] = new
        status = WatchStatus.WATCHING
        if ending is not None and video.video is not None:
            self.ended.append(EndedWatch(new.id, ending, video.video))
            status = ending.status
        else:
            self.deadlines[video.id] = min(until, self.deadlines.get(video.id, until))
        self.known.holders[asked.slot] = Holder(new.id, asked.content, status)
        return Placed(new.id, created=True)
