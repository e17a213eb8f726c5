"""A registry in memory, and values for it to show."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bridge.errors import ConflictError, MissingKeyError, NotFoundError, RequestError, StoreUnavailableError
from bridge.models import (
    Attempt,
    DeliveryStatus,
    DeliveryView,
    DestinationView,
    EventType,
    Outcome,
    Outlook,
    Page,
    PageRequest,
    ProviderStanding,
    ProviderState,
    Reason,
    Trigger,
    Video,
    VideoStatus,
    WatchStatus,
    WatchView,
)
from bridge.registry import Counts, DeliveryFilter, Registered, Registration, RetryFilter, WatchFilter
from tests.web.fake_destinations import FakeDestinations

WATCH_ID = "watch_01kb3v8xhz7m5k3h1f9d7b5a3c"
DELIVERY_ID = "dlv_01kb3vhr3n5p7r9t1w3y5a7c9e"

DESTINATION = DestinationView(
    id="dest_1",
    name=None,
    kind="callback",
    url="https://example.com/hook",
    events=tuple(EventType),
    enabled=True,
)
WATCH = WatchView(
    id=WATCH_ID,
    status=WatchStatus.WATCHING,
    video_id="video_abc",
    provider="openai",
    key="k",
    video=None,
    destinations=(DESTINATION,),
    metadata={"campaign": "spring"},
    created_at=100.9,
    created_by=None,
    expires_at=200.2,
    ended_at=None,
    reason=None,
    deliveries={},
)
ENDED = WATCH._replace(
    status=WatchStatus.COMPLETED, video=Video("video_abc", VideoStatus.COMPLETED, progress=100), ended_at=150.7
)
ATTEMPT = Attempt(
    number=1,
    at=150.9,
    duration_ms=12,
    outcome=Outcome.FAILED,
    reason=Reason.GONE,
    status=410,
    response="bye",
    trigger=Trigger.SCHEDULE,
)
DELIVERY = DeliveryView(
    id=DELIVERY_ID,
    watch_id=WATCH_ID,
    event_id="evt_1",
    event_type=EventType.VIDEO_COMPLETED,
    status=DeliveryStatus.FAILED,
    destination=DESTINATION,
    created_at=150.8,
    next_attempt_at=None,
    delivered_at=None,
    reason=Reason.GONE,
    degraded=False,
    attempts=(ATTEMPT,),
    request_body='{"id":"evt_1"}',
)
OUTLOOK = Outlook(170.5, "expected to end about 00:03:00 UTC", 180.9)
COUNTS = Counts(
    watches={WatchStatus.WATCHING: 3},
    videos_in_flight={"openai": 2},
    deliveries={DeliveryStatus.FAILED: 5},
    provider_states={"openai": ProviderState.PAUSED},
    outbox_oldest=7.5,
    targets_disabled=1,
    breakers_open=0,
)


class FakeRegistry:
    """Answers from two dictionaries and remembers what it was asked; ``destinations`` from a third.

    ``away`` makes the database unreachable, ``broken`` stands for a bug, ``taken`` are keys of other content,
    ``refusals`` are for registrations of these videos.
    """

    def __init__(self) -> None:
        self.known: dict[str, WatchView] = {WATCH.id: WATCH}
        self.told: dict[str, DeliveryView] = {DELIVERY.id: DELIVERY}
        self.bodies: list[Registration] = []
        self.created_by: str | None = "nobody asked yet"
        self.page: PageRequest | None = None
        self.filter: WatchFilter | DeliveryFilter | RetryFilter | None = None
        self.taken: set[str] = set()
        self.refusals: dict[str, RequestError] = {}
        self.away = False
        self.keyless = False  # the key of what is encrypted is not at hand
        self.broken = False
        self.waiting = 0
        self.reads: list[set[str]] = []
        self.changed = asyncio.Event()
        self.destinations = FakeDestinations()
        self.standing = ProviderStanding(ProviderState.PAUSED, 90.9, "the provider refuses our key (401)", 2)

        self.hastened: list[tuple[str, str]] = []

    async def look_now(self, provider: str, video_id: str, /) -> bool:
        self._check()
        self.hastened.append((provider, video_id))
        return True

    def _check(self) -> None:
        if self.broken:
            raise RuntimeError("the secret recipe")
        if self.away:
            raise StoreUnavailableError("/var/lib/bridge.db is locked")
        if self.keyless:
            raise MissingKeyError("a stored secret was encrypted with another key")

    async def register(self, body: Registration, *, created_by: str | None) -> Registered:
        (answer,) = await self.register_many([body], created_by=created_by)
        if isinstance(answer, RequestError):
            raise answer
        return answer

    async def register_many(
        self, bodies: Sequence[Registration], *, created_by: str | None
    ) -> list[Registered | RequestError]:
        self._check()
        self.created_by = created_by
        return [self._register(body) for body in bodies]

    def _register(self, body: Registration) -> Registered | RequestError:
        if body.key in self.taken:
            return ConflictError("This key stands for other content.", param="key", code="key_reused")
        if body.video_id in self.refusals:
            return self.refusals[body.video_id]
        seen = body in self.bodies
        self.bodies.append(body)
        told = (replace(DESTINATION, signing_secret="whsec_shown"), replace(DESTINATION, name="stored"))
        return Registered(WATCH._replace(video_id=body.video_id, destinations=told), created=not seen)

    async def watch(self, watch_id: str, /) -> WatchView:
        self._check()
        if watch_id not in self.known:
            raise NotFoundError("There is no such watch.", param="id")
        return self.known[watch_id]

    async def wait(self, watch_id: str, seconds: float, /) -> WatchView:
        await self.watch(watch_id)
        self.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting -= 1
        return self.known[watch_id]

    async def watches_by_id(self, watch_ids: Collection[str], /) -> dict[str, WatchView]:
        self._check()
        self.reads.append(set(watch_ids))
        return {watch_id: self.known[watch_id] for watch_id in watch_ids if watch_id in self.known}

    async def outlooks(self, watch_ids: Collection[str], /) -> dict[str, Outlook]:
        self._check()
        return {watch_id: OUTLOOK for watch_id in watch_ids if watch_id in self.known}

    async def watches(self, page: PageRequest, filter: WatchFilter, /) -> Page[WatchView]:
        self._check()
        self.page, self.filter = page, filter
        return Page([*self.known.values()][: page.limit], has_more=len(self.known) > page.limit)

    async def cancel(self, watch_id: str, /) -> WatchView:
        view = await self.watch(watch_id)
        if view.status not in (WatchStatus.WATCHING, WatchStatus.CANCELLED):
            raise ConflictError("The watch has ended.", code="ended")
        self.known[watch_id] = view._replace(status=WatchStatus.CANCELLED)
        return self.known[watch_id]

    async def delivery(self, delivery_id: str, /) -> DeliveryView:
        self._check()
        if delivery_id not in self.told:
            raise NotFoundError("There is no such delivery.", param="id")
        return self.told[delivery_id]

    async def deliveries(self, page: PageRequest, filter: DeliveryFilter, /) -> Page[DeliveryView]:
        self._check()
        self.page, self.filter = page, filter
        return Page([replace(each, request_body=None) for each in self.told.values()], has_more=False)

    async def retry(self, delivery_id: str, /) -> DeliveryView:
        view = await self.delivery(delivery_id)
        if view.status is DeliveryStatus.CANCELLED:
            raise ConflictError("The delivery was cancelled.", code="cancelled")
        return replace(view, status=DeliveryStatus.PENDING, next_attempt_at=160.5, reason=None)

    async def retry_many(self, filter: RetryFilter, /) -> int:
        self._check()
        self.filter = filter
        return len(self.told)

    async def standings(self, base_urls: Mapping[str, str], /) -> dict[str, ProviderStanding]:
        self._check()
        return dict.fromkeys(base_urls, self.standing)

    async def amiss(self, base_urls: Mapping[str, str], /) -> dict[str, str]:
        self._check()
        return {} if self.standing.reason is None else {"openai": self.standing.reason}

    async def counts(self) -> Counts:
        self._check()
        return COUNTS
