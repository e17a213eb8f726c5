"""Putting a registration into the tables, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.errors import ConflictError, InvalidRequestError
from bridge.ids import new_id
from bridge.outbox import EndedWatch, tell
from bridge.registry.again import Again, Digests, judge_again
from bridge.registry.bodies import Registration
from bridge.registry.destinations import DestinationDesk, Inline, Named
from bridge.states import ending_of
from bridge.store import destinations, videos, watches
from bridge.store.database import Transaction
from bridge.store.watches import NewWatch


@dataclass(frozen=True, slots=True)
class ReadRegistration:
    """A registration with everything resolved that needs no database."""

    body: Registration
    provider: str
    destinations: Sequence[Named | Inline]
    created_by: str | None


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a registration led: its watch, whether that is new, and how many deliveries it made at once."""

    watch_id: str
    created: bool
    told: int = 0


class Placer:
    """Finds the watch of a registration, or makes it.

    :param now: Unix seconds.
    :param watch_timeout: seconds, for watches that name none.
    """

    def __init__(self, desk: DestinationDesk, digests: Digests, now: Callable[[], float], watch_timeout: float) -> None:
        self._desk = desk
        self._digests = digests
        self._now = now
        self._watch_timeout = watch_timeout

    async def place(self, tx: Transaction, read: ReadRegistration) -> Placed:
        """The watch of a registration.

        :raises InvalidRequestError: a destination is not there, or none is given; :raises ConflictError: the key
        stands for something else.
        """
        told = read.destinations or [Named(name, "destinations") for name in await destinations.defaults(tx)]
        if not told:
            raise InvalidRequestError(
                "Name at least one destination (`callback_url` or `destinations`); this server has no default one.",
                param="destinations",
                code="missing",
            )
        body = read.body
        content = self._digests.content(read.provider, body.video_id, [each.digest for each in told], body.metadata)
        key = body.key or content
        slot = self._digests.slot(read.created_by, key)
        holder = await watches.holder(tx, slot)
        if holder is not None:
            again = judge_again(holder.status, same_content=holder.content == content)
            if again is Again.CONFLICT:
                raise ConflictError(
                    "This key was used for another registration; use another key, or the same content.",
                    param="key",
                    code="key_reused",
                )
            if again is Again.SAME:
                return Placed(holder.id, created=False)
        # Names first: one that is unknown must leave no rows of the others behind.
        ids: dict[str, str] = {}
        for each in sorted(told, key=lambda each: isinstance(each, Inline)):
            ids[each.row_digest] = await self._destination_id(tx, each, read.created_by)
        destination_ids = [ids[each.row_digest] for each in told]
        if holder is not None:
            await watches.vacate(tx, holder.id)
        return await self._add(tx, read, key, slot, content, destination_ids)

    async def _add(
        self, tx: Transaction, read: ReadRegistration, key: str, slot: str, content: str, destination_ids: Sequence[str]
    ) -> Placed:
        now = self._now()
        video = await videos.find(tx, read.provider, read.body.video_id)
        if video is None:
            video = await videos.add(tx, read.provider, read.body.video_id, now)
        new = NewWatch(
            id=new_id("watch"),
            video_row=video.id,
            provider=read.provider,
            video_id=read.body.video_id,
            slot=slot,
            key=key,
            content=content,
            metadata=read.body.metadata,
            created_at=now,
            created_by=read.created_by,
            expires_at=now + (read.body.timeout or self._watch_timeout),
            destination_ids=destination_ids,
        )
        await watches.add(tx, new)
        ending = ending_of(video.video)
        if ending is not None and video.video is not None:
            return Placed(new.id, created=True, told=await tell(tx, [EndedWatch(new.id, ending, video.video)], now))
        await videos.watch_until(tx, video.id, new.expires_at, now)
        return Placed(new.id, created=True)

    async def _destination_id(self, tx: Transaction, told: Named | Inline, created_by: str | None) -> str:
        if isinstance(told, Named):
            found = await destinations.by_name(tx, told.name)
            if found is None:
                raise InvalidRequestError(f"There is no stored destination {told.name!r}.", param=told.param)
            return found
        known = await destinations.by_digest(tx, told.row_digest)
        if known is not None:
            return known
        row = self._desk.row(told, created_by, self._now())
        await destinations.add(tx, row)
        return row.id
