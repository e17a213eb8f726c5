"""Putting registrations into the tables, in the caller's transaction: read for all of them, decided in order, written
for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import RequestError
from bridge.models import DestinationView, Video, WatchStatus, WatchView
from bridge.outbox import tell
from bridge.registry.again import Digests
from bridge.registry.allowance import Allowance
from bridge.registry.destinations import DestinationDesk, Inline, Named
from bridge.registry.planning import Asked, Known, Placed, Plan, ReadRegistration
from bridge.store import destinations, videos, watches
from bridge.store.database import Transaction
from bridge.store.watches import NewWatch

_BREATH = 100
"""After so many registrations others on the event loop have their turn."""


@dataclass(slots=True)
class PlacedBatch:
    """What each registration of a batch came to, in order.

    :param fresh: the new watches that wait, by id; the others stand in the tables.
    :param shown: what the videos of those show, by row.
    :param told: how many deliveries were made at once.
    """

    answers: list[Placed | RequestError]
    fresh: Mapping[str, NewWatch]
    shown: Mapping[str, Video | None]
    told: int

    def to_read(self) -> set[str]:
        """The ids of the watches among the answers that are not in ``fresh``."""
        return {each.watch_id for each in self.answers if isinstance(each, Placed) and each.watch_id not in self.fresh}

    def destination_ids(self) -> set[str]:
        """The ids of the destinations of ``fresh``."""
        return {each for new in self.fresh.values() for each in new.destination_ids}

    def views(self, told: Mapping[str, DestinationView]) -> dict[str, WatchView]:
        """The watches in ``fresh`` as reading them would show them.

        :param told: their destinations by id.
        """
        return {
            new.id: WatchView(
                new.id,
                WatchStatus.WATCHING,
                new.video_id,
                new.provider,
                new.key,
                self.shown[new.video_row],
                tuple([told[each] for each in new.destination_ids]),
                new.metadata,
                new.created_at,
                new.created_by,
                new.expires_at,
                ended_at=None,
                reason=None,
                deliveries=watches.NO_DELIVERIES,
            )
            for new in self.fresh.values()
        }


class Placer:
    """Finds the watches of registrations, or makes them.

    :param now: Unix seconds.
    :param watch_timeout: seconds, for watches that name none.
    """

    def __init__(self, desk: DestinationDesk, digests: Digests, now: Callable[[], float], watch_timeout: float) -> None:
        self._desk = desk
        self._digests = digests
        self._now = now
        self._watch_timeout = watch_timeout

    async def place(self, tx: Transaction, batch: Sequence[ReadRegistration], allowance: Allowance) -> PlacedBatch:
        """The watches of registrations, or why one of them cannot be registered, in order.

        The caller sees to it that no other registration is between reading and writing.

        :param allowance: how many more may be registered.
        """
        asked = await self._asked(tx, batch)
        plan = Plan(await _known(tx, asked), self._now(), self._watch_timeout, self._desk.row, allowance.take)
        answers: list[Placed | RequestError] = []
        for number, each in enumerate(asked):
            if number % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            try:
                answers.append(plan.place(each))
            except RequestError as error:
                answers.append(error)
        told = await _write(tx, plan)
        ended = {each.watch_id for each in plan.ended}
        fresh = {new.id: new for new in plan.watches.values() if new.id not in ended}
        return PlacedBatch(answers, fresh, {video.id: video.video for video in plan.known.videos.values()}, told)

    async def _asked(self, tx: Transaction, batch: Sequence[ReadRegistration]) -> list[Asked]:
        default: list[Named | Inline] = []
        if any(not each.destinations for each in batch):
            default = [Named(name, "destinations") for name in await destinations.defaults(tx)]
        asked = []
        for number, read in enumerate(batch):
            if number % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            told = read.destinations or default
            content = self._digests.content(
                read.provider, read.body.video_id, [each.digest for each in told], read.body.metadata
            )
            key = read.body.key or content
            asked.append(Asked(read, told, key, self._digests.slot(read.created_by, key), content))
        return asked


async def _known(tx: Transaction, asked: Sequence[Asked]) -> Known:
    told = [destination for each in asked for destination in each.destinations]
    return Known(
        holders=await watches.holders(tx, {each.slot for each in asked}),
        named=await destinations.by_names(tx, {each.name for each in told if isinstance(each, Named)}),
        inline=await destinations.by_digests(tx, {each.row_digest for each in told if isinstance(each, Inline)}),
        videos=await videos.find_many(tx, {each.read.video for each in asked}),
    )


async def _write(tx: Transaction, plan: Plan) -> int:
    """Write what was planned; how many deliveries that made."""
    await destinations.add_many(tx, plan.destinations)
    waited = {row: until for row, until in plan.deadlines.items() if row not in plan.new_videos}
    await videos.add_many(
        tx,
        [
            videos.NewVideo(row, provider, video_id, plan.now, plan.deadlines[row])
            for row, (provider, video_id) in plan.new_videos.items()
        ],
    )
    await watches.vacate(tx, plan.vacated)
    await watches.add_many(tx, list(plan.watches.values()))
    await videos.watch_many_until(tx, waited, plan.now)
    return await tell(tx, plan.ended, plan.now)
