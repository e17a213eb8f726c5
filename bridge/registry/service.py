"""The registry: registers, lists and cancels watches, shows and retries deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bridge.clock import Clock
from bridge.errors import ConflictError, InvalidRequestError, NotFoundError, RequestError
from bridge.models import (
    DeliveryStatus,
    DeliveryView,
    DestinationView,
    Outlook,
    Page,
    PageRequest,
    ProviderStanding,
    ProviderState,
    WatchStatus,
    WatchView,
)
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address
from bridge.registry.again import Digests
from bridge.registry.allowance import Allowances
from bridge.registry.bells import Bells
from bridge.registry.bodies import Registration, RetryFilter
from bridge.registry.destinations import DestinationDesk, Inline, unseal
from bridge.registry.outlooks import outlooks_of
from bridge.registry.placing import Placer
from bridge.registry.planning import Placed, ReadRegistration
from bridge.registry.standings import amiss_with, standings_of
from bridge.registry.stored import DestinationService, TryOut, no_trial
from bridge.secrets import SecretBox
from bridge.store import (
    deliveries,
    destinations,
    reports,
    standing,
    stored_destinations,
    targets,
    videos,
    watches,
)
from bridge.store.database import Database, Transaction
from bridge.store.reports import DeliveryFilter
from bridge.store.watches import WatchFilter

# A waiting client hears of an ending by the bell; this is how soon it also sees what another process did, seconds.
_LOOK_AGAIN = 2.0
# After so many registrations of a batch others on the event loop have their turn.
_BREATH = 100
# So many registrations are written in a moment.
_BRIEF = 10


class Registered(NamedTuple):
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
    breakers_open: int


JUDGING_SECONDS = 30.0
"""How long the templates of one request may be judged; those that are not reached by then are refused."""


class Registry:
    """The service behind API and command line.

    ``destinations`` is the part of it that is about destinations by themselves.

    :param providers: names of the configured providers.
    :param watch_timeout: seconds, for watches that name none.
    :param watches_per_key: how many live watches one registrant may have; None: any number.
    :param try_out: sends a sample event to a destination.
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
        watches_per_key: int | None = None,
        try_out: TryOut = no_trial,
    ) -> None:
        self.destinations = DestinationService(database, desk, box, notifiers, try_out)
        self._database = database
        self._desk = desk
        self._placer = Placer(desk, digests, database.now, watch_timeout)
        self._allowances = Allowances(watches_per_key, clock)
        self._box = box
        self._notifiers = notifiers
        self._clock = clock
        self._bells = bells
        self._providers = providers
        self._default_provider = default_provider

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
        read = await self._judged(await self._read_all(bodies, created_by))
        good = [each for each in read if not isinstance(each, RequestError)]
        async with self._database.write(ahead=True, brief=len(good) <= _BRIEF) as tx:
            await self._database.alone(tx, "registry")
            await videos.lock(tx, {each.video for each in good})
            allowance = await self._allowances.of(tx, created_by, len(good))
            placed = await self._placer.place(tx, good, allowance)
            self._allowances.used(created_by, allowance)
            read_again = await watches.get_many(tx, placed.to_read())
            told_again = {each.id for view in read_again.values() for each in view.destinations}
            told = await self._told(tx, told_again | placed.destination_ids())
        self._ring(placed.told)
        found = placed.views(told)
        for view in read_again.values():
            found[view.id] = view._replace(destinations=tuple([told[each.id] for each in view.destinations]))
        answers = iter(placed.answers)
        return [each if isinstance(each, RequestError) else _answer(next(answers), found) for each in read]

    async def watch(self, watch_id: str) -> WatchView:
        """One watch.

        :raises NotFoundError: there is none of this id.
        """
        async with self._database.read(brief=True) as tx:
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

    async def watches_by_id(self, watch_ids: Collection[str]) -> Mapping[str, WatchView]:
        """Those of these watches that there are."""
        async with self._database.read() as tx:
            return await watches.get_many(tx, list(watch_ids))

    async def outlooks(self, watch_ids: Collection[str]) -> Mapping[str, Outlook]:
        """When the videos of those of these watches that there are will be looked at, and why."""
        async with self._database.read() as tx:
            return await outlooks_of(tx, watch_ids, self._database.now())

    async def watches(self, page: PageRequest, filter: WatchFilter) -> Page[WatchView]:
        """One page of watches."""
        async with self._database.read() as tx:
            return await watches.page(tx, page, filter)

    async def cancel(self, watch_id: str) -> WatchView:
        """Stop a watch that waits; of one that ended, the deliveries still pending.

        :raises NotFoundError: there is none of this id; :raises ConflictError: it ended and nothing is pending.
        """
        async with self._database.write(ahead=True) as tx:
            await videos.lock_of_watch(tx, watch_id)
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
        self._bells.progress.ring()
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

        :raises NotFoundError: there is none of this id; :raises ConflictError: it was cancelled, or its destination
        was deleted.
        """
        async with self._database.write(ahead=True) as tx:
            if await stored_destinations.lost_its_destination(tx, delivery_id):
                raise ConflictError("The destination of this delivery was deleted.", code="destination_deleted")
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
        async with self._database.write(ahead=True) as tx:
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

    async def look_now(self, provider: str, video_id: str) -> bool:
        """Make a video due at once; whether anybody waits for it."""
        async with self._database.write(ahead=True) as tx:
            waited = await videos.hasten(tx, provider, video_id, self._database.now())
        if waited:
            self._bells.videos.ring()
        return waited

    async def standings(self, base_urls: Mapping[str, str]) -> Mapping[str, ProviderStanding]:
        """How the providers with these base URLs stand, by name."""
        async with self._database.read() as tx:
            return await standings_of(tx, base_urls)

    async def amiss(self, base_urls: Mapping[str, str]) -> Mapping[str, str]:
        """What is wrong with the providers with these base URLs, by the name of those with which something is."""
        async with self._database.read() as tx:
            return await amiss_with(tx, base_urls)

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
                breakers_open=await targets.open_breakers(tx),
            )

    async def _read_all(
        self, bodies: Sequence[Registration], created_by: str | None
    ) -> list[ReadRegistration | RequestError]:
        read: list[ReadRegistration | RequestError] = []
        known: dict[tuple[str, str], Inline] = {}
        for number, body in enumerate(bodies):
            if number % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            read.append(self._read(body, created_by, known))
        return read

    def _read(
        self, body: Registration, created_by: str | None, known: MutableMapping[tuple[str, str], Inline]
    ) -> ReadRegistration | RequestError:
        provider = self._default_provider if body.provider is None else body.provider
        if provider not in self._providers:
            there = ", ".join(sorted(self._providers))
            return InvalidRequestError(f"There is no provider {provider!r}; configured: {there}.", param="provider")
        try:
            return ReadRegistration(body, provider, self._desk.read(body, created_by, known), created_by)
        except RequestError as error:
            return error

    async def _judged(self, read: Sequence[ReadRegistration | RequestError]) -> list[ReadRegistration | RequestError]:
        """The same, with an error in place of each registration whose templates cannot be used."""
        judged: dict[str, str | None] = {}
        answers: list[ReadRegistration | RequestError] = []
        until = self._clock.monotonic() + JUDGING_SECONDS
        for each in read:
            answers.append(each)
            if isinstance(each, RequestError):
                continue
            try:
                for one in each.destinations:
                    if isinstance(one, Inline) and one.body.template is not None:
                        if self._clock.monotonic() > until:
                            raise _not_judged(one.param)
                        await self._desk.check_template(
                            one.body, param=one.param, metadata=each.body.metadata, judged=judged
                        )
            except RequestError as error:
                answers[-1] = error
        return answers

    async def _told(self, tx: Transaction, ids: Collection[str]) -> dict[str, DestinationView]:
        """Destinations by id, with the secrets the registrant must be told."""
        shown = {}
        for destination_id, (view, sealed) in (await destinations.told(tx, ids)).items():
            settings = unseal(self._box, destination_id, sealed)
            secret = self._notifiers[view.kind].shared_secret(Address(settings["url"], settings))
            shown[destination_id] = replace(view, signing_secret=secret)
        return shown

    def _ring(self, told: int) -> None:
        self._bells.videos.ring()
        if told:
            self._bells.deliveries.ring()
            self._bells.watches.ring()
            self._bells.progress.ring()


def _answer(placed: Placed | RequestError, found: Mapping[str, WatchView]) -> Registered | RequestError:
    return placed if isinstance(placed, RequestError) else Registered(found[placed.watch_id], placed.created)


def _not_judged(param: str) -> InvalidRequestError:
    return InvalidRequestError(
        "The templates before this one took too long to check; send this registration again by itself.",
        param=f"{param}.template",
        code="not_checked",
    )
