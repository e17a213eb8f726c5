"""What the endpoints work with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.responses import Response

from bridge.errors import RequestError
from bridge.metrics import Metrics
from bridge.models import (
    Attempt,
    DeliveryView,
    DestinationDetail,
    Outlook,
    Page,
    PageRequest,
    ProviderStanding,
    WatchView,
)
from bridge.registry import (
    Counts,
    DeliveryFilter,
    DestinationChange,
    NewDestination,
    Registered,
    Registration,
    RetryFilter,
    WatchFilter,
)
from bridge.settings import ProviderSettings
from bridge.web.changes import Changes
from bridge.web.health import Readiness
from bridge.web.limits import OpenStreams
from bridge.web.pushes import ProviderWebhooks
from bridge.web.stream import Events


class DestinationRegistry(Protocol):
    """What the web asks of :class:`bridge.registry.DestinationService`; its methods are described there."""

    async def create(self, body: NewDestination, *, created_by: str | None) -> DestinationDetail:
        """Store a destination under its name."""
        ...

    async def page(self, request: PageRequest, /) -> Page[DestinationDetail]:
        """One page of the destinations that have a name."""
        ...

    async def get(self, name_or_id: str, /) -> DestinationDetail:
        """One destination."""
        ...

    async def patch(self, name_or_id: str, change: DestinationChange, /) -> DestinationDetail:
        """Change fields of a destination."""
        ...

    async def delete(self, name_or_id: str, /, *, force: bool) -> str:
        """Delete a destination; its id."""
        ...

    async def rotate(self, name_or_id: str, /) -> DestinationDetail:
        """Give a callback a new signing secret."""
        ...

    async def test(self, name_or_id: str, /) -> Attempt:
        """Send an event now that says it is a test; what came of it."""
        ...

    def trials(self) -> Mapping[str, Attempt]:
        """What the latest tests came to, by the destination's id."""
        ...


class WatchRegistry(Protocol):
    """What the web asks of :class:`bridge.registry.Registry`; its methods are described there."""

    @property
    def destinations(self) -> DestinationRegistry:
        """The part of it that is about destinations by themselves."""
        ...

    async def register(self, body: Registration, *, created_by: str | None) -> Registered:
        """Register one watch."""
        ...

    async def register_many(
        self, bodies: Sequence[Registration], *, created_by: str | None
    ) -> list[Registered | RequestError]:
        """Register several watches, each answered on its own and in order."""
        ...

    async def watch(self, watch_id: str, /) -> WatchView:
        """One watch."""
        ...

    async def wait(self, watch_id: str, seconds: float, /) -> WatchView:
        """One watch, as soon as it has ended, or as it is after ``seconds``."""
        ...

    async def watches_by_id(self, watch_ids: Collection[str], /) -> Mapping[str, WatchView]:
        """Those of these watches that there are."""
        ...

    async def outlooks(self, watch_ids: Collection[str], /) -> Mapping[str, Outlook]:
        """When the videos of those of these watches that there are will be looked at, and why."""
        ...

    async def watches(self, page: PageRequest, filter: WatchFilter, /) -> Page[WatchView]:
        """One page of watches."""
        ...

    async def cancel(self, watch_id: str, /) -> WatchView:
        """Stop a watch, or the pending deliveries of one that has ended."""
        ...

    async def delivery(self, delivery_id: str, /) -> DeliveryView:
        """One delivery with the body that was sent."""
        ...

    async def deliveries(self, page: PageRequest, filter: DeliveryFilter, /) -> Page[DeliveryView]:
        """One page of deliveries."""
        ...

    async def retry(self, delivery_id: str, /) -> DeliveryView:
        """Send one delivery again now."""
        ...

    async def retry_many(self, filter: RetryFilter, /) -> int:
        """Send failed deliveries again; how many."""
        ...

    async def standings(self, base_urls: Mapping[str, str], /) -> Mapping[str, ProviderStanding]:
        """How the providers with these base URLs stand, by name."""
        ...

    async def look_now(self, provider: str, video_id: str, /) -> bool:
        """Look at a video at once; whether anybody waits for it."""
        ...

    async def counts(self) -> Counts:
        """What the metrics show of the database."""
        ...


@dataclass(frozen=True, slots=True)
class StaticPage:
    """An answer that is the same for everybody."""

    content: bytes
    media_type: str
    headers: Mapping[str, str]

    def response(self) -> Response:
        """The answer itself."""
        return Response(self.content, media_type=self.media_type, headers=dict(self.headers))


@dataclass(frozen=True, slots=True)
class Services:
    """What the endpoints work with."""

    registry: WatchRegistry
    metrics: Metrics
    readiness: Readiness
    changes: Changes
    openapi: Callable[[], StaticPage]
    docs: Callable[[], StaticPage]
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    webhooks: ProviderWebhooks | None = None
    streams: OpenStreams = field(default_factory=OpenStreams)
    events: Events = field(default_factory=Events)
