"""The registry: registers, lists and cancels watches, shows and retries deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.clock import Clock
from bridge.errors import ConflictError, InvalidRequestError, NotFoundError, RequestError
from bridge.ids import new_id
from bridge.loops import Bell
from bridge.models import (
    DeliveryStatus,
    DeliveryView,
    DestinationView,
    Page,
    PageRequest,
    ProviderState,
    WatchStatus,
    WatchView,
)
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address
from bridge.outbox import EndedWatch, tell
from bridge.registry.again import Again, Digests, judge_again
from bridge.registry.bodies import Registration, RetryFilter
from bridge.registry.destinations import DestinationDesk, Inline, Named, unseal
from bridge.secrets import SecretBox
from bridge.states import ending_of
from bridge.store import deliveries, destinations, reports, standing, videos, watches
from bridge.store.database import Database, Transaction
from bridge.store.reports import DeliveryFilter
from bridge.store.watches import NewWatch, WatchFilter

# A waiting client hears of an ending by the bell; this is how soon it also sees what another process did, seconds.
_LOOK_AGAIN = 2.0


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer to a registration; ``created`` is False when it was registered already."""

    watch: WatchView
    created: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What a scrape of the metrics reads from the database."""

    watches: Mapping[WatchStatus, int]
    videos_in_flight: Mapping[str, int]
    deliveries: Mapping[DeliveryStatus, int]
    provider_states: Mapping[str, ProviderState]
    outbox_oldest: float
    targets_disabled: int


@dataclass(frozen=True, slots=True)
class Bells:
    """Rung when a table has something new: for the poller, for the sender, for those who wait for a watch."""

    videos: Bell
    deliveries: Bell
    watches: Bell


@dataclass(frozen=True, slots=True)
class _Read:
    """A registration with everything resolved that needs no database."""

    body: Registration
    provider: str
    destinations: Sequence[Named | Inline]
    created_by: str | None


class Registry:
    """The service behind API and command line.

    :param providers: names of the configured providers.
    :param watch_timeout: seconds, for watches that name none.
    """

    def __init__(
        self,
        database: Database,
        desk: DestinationDesk,
        digests: Digests,
        box: SecretBox,
        notifiers: Mapping[str, Notifier],
        *,
        clock: Clock,
        bells: Bells,
        providers: Collection[str],
        default_provider: str,
        watch_timeout: float,
    ) -> None:
        self._database = database
        self._desk = desk
        self._digests = digests
        self._box = box
        self._notifiers = notifiers
        self._clock = clock
        self._bells = bells
        self._providers = providers
        self._default_provider = default_provider
        self._watch_timeout = watch_timeout

    async def register(self, body: Registration, *, created_by: str | None) -> Registered:
        """Register one watch; it is committed when this returns.

        :raises InvalidRequestError: a field cannot be used; :raises ConflictError: the key stands for something else.
        """
        (registered,) = await self.register_many([body], created_by=created_by)
        if isinstance(registered, RequestError):
            raise registered
        return registered

    async def register_many(
        self, bodies: Sequence[Registration], *, created_by: str | None
    ) -> list[Registered | RequestError]:
        """Register several watches in one transaction, each answered on its own and in order."""
        read = [self._read(body, created_by) for body in bodies]
        told = 0
        async with self._database.write() as tx:
            placed: list[tuple[str, bool] | RequestError] = []
            for each in read:
                if isinstance(each, RequestError):
                    placed.append(each)
                    continue
                try:
                    watch_id, created, its = await self._place(tx, each)
                except RequestError as error:
                    placed.append(error)
                else:
                    placed.append((watch_id, created))
                    told += its
            found = await watches.get_many(tx, [each[0] for each in placed if not isinstance(each, RequestError)])
            secrets = await self._shared_secrets(tx, found.values())
        self._ring(told)
        return [
            each if isinstance(each, RequestError) else Registered(_with_secrets(found[each[0]], secrets), each[1])
            for each in placed
        ]

    async def watch(self, watch_id: str) -> WatchView:
        """One watch.

        :raises NotFoundError: there is none of this id.
        """
        async with self._database.read() as tx:
            found = await watches.get(tx, watch_id)
        if found is None:
            raise NotFoundError(f"There is no watch {watch_id!r}.", param="id")
        return found

    async def wait(self, watch_id: str, seconds: float) -> WatchView:
        """One watch, as soon as it waits no more, or as it is after ``seconds``.

        :raises NotFoundError: there is none of this id.
        """
        until = self._clock.monotonic() + seconds
        while True:
            bell = self._bells.watches.waiter()
            try:
                async with self._database.read() as tx:
                    status = await watches.status_of(tx, watch_id)
                left = until - self._clock.monotonic()
                if status is not WatchStatus.WATCHING or left <= 0:
                    return await self.watch(watch_id)
                timer = asyncio.ensure_future(self._clock.sleep(min(left, _LOOK_AGAIN)))
                try:
                    await asyncio.wait({bell, timer}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    timer.cancel()
            finally:
                bell.cancel()

    async def watches(self, page: PageRequest, filter: WatchFilter) -> Page[WatchView]:
        """One page of watches."""
        async with self._database.read() as tx:
            return await watches.page(tx, page, filter)

    async def cancel(self, watch_id: str) -> WatchView:
        """Stop a watch that waits; of one that ended, the deliveries still pending.

        :raises NotFoundError: there is none of this id; :raises ConflictError: it ended and nothing is pending.
        """
        async with self._database.write() as tx:
            status = await watches.status_of(tx, watch_id)
            if status is None:
                raise NotFoundError(f"There is no watch {watch_id!r}.", param="id")
            if status is WatchStatus.WATCHING:
                await watches.cancel(tx, watch_id, self._database.now())
                await videos.settle(tx, [await watches.video_row_of(tx, watch_id)])
            elif status is not WatchStatus.CANCELLED and not await deliveries.cancel_pending(tx, watch_id):
                raise ConflictError(f"The watch has ended ({status}) and no delivery of it is pending.", code="ended")
            found = await watches.get(tx, watch_id)
        self._bells.watches.ring()
        assert found is not None  # noqa: S101 - it was there in the same transaction
        return found

    async def delivery(self, delivery_id: str) -> DeliveryView:
        """One delivery with attempts and the body that was sent.

        :raises NotFoundError: there is none of this id.
        """
        async with self._database.read() as tx:
            found = await reports.delivery(tx, delivery_id)
        if found is None:
            raise NotFoundError(f"There is no delivery {delivery_id!r}.", param="id")
        return found

    async def deliveries(self, page: PageRequest, filter: DeliveryFilter) -> Page[DeliveryView]:
        """One page of deliveries, with attempts."""
        async with self._database.read() as tx:
            return await reports.delivery_page(tx, page, filter)

    async def retry(self, delivery_id: str) -> DeliveryView:
        """Send a delivery again now; its schedule starts anew.

        :raises NotFoundError: there is none of this id; :raises ConflictError: it was cancelled.
        """
        async with self._database.write() as tx:
            before = await deliveries.ask_retry(tx, delivery_id, self._database.now())
            if before is None:
                raise NotFoundError(f"There is no delivery {delivery_id!r}.", param="id")
            if before is DeliveryStatus.CANCELLED:
                raise ConflictError(
                    "The delivery was cancelled; register the video again to be told.", code="cancelled"
                )
            found = await reports.delivery(tx, delivery_id)
        self._bells.deliveries.ring()
        assert found is not None  # noqa: S101 - it was there in the same transaction
        return found

    async def retry_many(self, filter: RetryFilter) -> int:
        """Send all failed deliveries again that match; how many.

        :raises InvalidRequestError: there is no such destination.
        """
        async with self._database.write() as tx:
            destination_id = None
            if filter.destination is not None:
                destination_id = await reports.destination_id(tx, filter.destination)
                if destination_id is None:
                    raise InvalidRequestError(f"There is no destination {filter.destination!r}.", param="destination")
            retried = await deliveries.ask_retry_failed(
                tx, since=filter.since, destination_id=destination_id, now=self._database.now()
            )
        self._bells.deliveries.ring()
        return retried

    async def counts(self) -> Counts:
        """What the metrics show of the database."""
        async with self._database.read() as tx:
            oldest = await reports.oldest_pending(tx)
            known = await standing.provider_health(tx)
            return Counts(
                watches=await watches.counts(tx),
                videos_in_flight=await videos.in_flight(tx),
                deliveries=await reports.delivery_counts(tx),
                provider_states={
                    name: ProviderState(known[name][1]["state"]) if name in known else ProviderState.OK
                    for name in self._providers
                },
                outbox_oldest=0.0 if oldest is None else max(0.0, self._database.now() - oldest),
                targets_disabled=await destinations.disabled_targets(tx),
            )

    def _read(self, body: Registration, created_by: str | None) -> _Read | RequestError:
        provider = self._default_provider if body.provider is None else body.provider
        if provider not in self._providers:
            known = ", ".join(sorted(self._providers))
            return InvalidRequestError(f"There is no provider {provider!r}; configured: {known}.", param="provider")
        try:
            return _Read(body, provider, self._desk.read(body, created_by), created_by)
        except RequestError as error:
            return error

    async def _place(self, tx: Transaction, read: _Read) -> tuple[str, bool, int]:
        """The watch of a registration, whether it is new, and how many deliveries it made at once."""
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
                return holder.id, False, 0
        # Names first: one that is unknown must leave no rows of the others behind.
        ids: dict[str, str] = {}
        for each in sorted(told, key=lambda each: isinstance(each, Inline)):
            ids[each.digest] = await self._destination_id(tx, each, read.created_by)
        destination_ids = [ids[each.digest] for each in told]
        if holder is not None:
            await watches.vacate(tx, holder.id)
        return await self._add(tx, read, key, slot, content, destination_ids)

    async def _add(
        self, tx: Transaction, read: _Read, key: str, slot: str, content: str, destination_ids: Sequence[str]
    ) -> tuple[str, bool, int]:
        now = self._database.now()
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
            return new.id, True, await tell(tx, [EndedWatch(new.id, ending, video.video)], now)
        await videos.watch_until(tx, video.id, new.expires_at, now)
        return new.id, True, 0

    async def _destination_id(self, tx: Transaction, told: Named | Inline, created_by: str | None) -> str:
        if isinstance(told, Named):
            found = await destinations.by_name(tx, told.name)
            if found is None:
                raise InvalidRequestError(f"There is no stored destination {told.name!r}.", param=told.param)
            return found
        known = await destinations.by_digest(tx, told.digest)
        if known is not None:
            return known
        row = self._desk.row(told, created_by, self._database.now())
        await destinations.add(tx, row)
        return row.id

    async def _shared_secrets(self, tx: Transaction, found: Collection[WatchView]) -> Mapping[str, str]:
        """By destination, the secrets the registrant must be told."""
        ids = {each.id for view in found for each in view.destinations}
        shared: dict[str, str] = {}
        for destination_id, (kind, sealed) in (await destinations.sealed(tx, ids)).items():
            settings = unseal(self._box, destination_id, sealed)
            secret = self._notifiers[kind].shared_secret(Address(settings["url"], settings))
            if secret is not None:
                shared[destination_id] = secret
        return shared

    def _ring(self, told: int) -> None:
        self._bells.videos.ring()
        if told:
            self._bells.deliveries.ring()
            self._bells.watches.ring()


def _with_secrets(view: WatchView, secrets: Mapping[str, str]) -> WatchView:
    shown: list[DestinationView] = [replace(each, signing_secret=secrets.get(each.id)) for each in view.destinations]
    return replace(view, destinations=tuple(shown))
