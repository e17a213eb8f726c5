"""What the pages of the dashboard work with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.clock import Clock
from bridge.loops import Bell
from bridge.models import DeliveryStatus, EventType, Outlook, WatchStatus, WatchView
from bridge.registry.insight import DestinationHealth, Overview
from bridge.registry.previews import Preview
from bridge.rendering import Told
from bridge.settings import ProviderSettings
from bridge.store.observations import Observation
from bridge.web.dashboard.media import MediaPaths
from bridge.web.dashboard.pages import Pages
from bridge.web.dashboard.session import Sessions
from bridge.web.dashboard.static import StaticFiles
from bridge.web.health import Readiness
from bridge.web.limits import OpenStreams, RequestRate, SignIns
from bridge.web.services import WatchRegistry


class DashboardInsight(Protocol):
    """What the dashboard asks of :class:`bridge.registry.insight.Insight`; its methods are described there."""

    async def time_line(self, watch_id: str, /) -> Sequence[Observation]:
        """What looks learned of a watch's video."""
        ...

    async def results(self, watch_ids: Sequence[str], /) -> Mapping[tuple[str, str], DeliveryStatus]:
        """By watch and destination, how telling it went."""
        ...

    async def health(self, destination_ids: Collection[str], /) -> Mapping[str, DestinationHealth]:
        """How the latest deliveries to destinations went."""
        ...

    async def watch_counts(self) -> Mapping[WatchStatus, int]:
        """How many watches there are, by status."""
        ...

    async def delivery_counts(self) -> Mapping[DeliveryStatus, int]:
        """How many deliveries there are, by status."""
        ...

    async def overview(self) -> Overview:
        """The whole bridge at a glance."""
        ...


class TemplatePreviews(Protocol):
    """What the dashboard asks of :class:`bridge.registry.previews.Previews`."""

    def told_of(self, watch: WatchView, event_type: EventType, now: float, /) -> Told:
        """The event of this type as a real watch tells it."""
        ...

    async def preview(self, kind: str, told: Told, template: str | None, /) -> Preview:
        """What a destination of this kind would be sent."""
        ...


class DashboardRegistry(WatchRegistry, Protocol):
    """What the dashboard asks of the registry beyond what the API does."""

    async def outlooks(self, watch_ids: Collection[str], /) -> Mapping[str, Outlook]:
        """When watches are looked at next."""
        ...

    async def amiss(self, base_urls: Mapping[str, str], /) -> Mapping[str, str]:
        """What is wrong with providers, by the name of those with which something is."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages of the dashboard work with.

    :param bell: rung when a watch or a delivery shows something new.
    :param clock: by which ages are told and signs of life are sent.
    """

    registry: DashboardRegistry
    insight: DashboardInsight
    previews: TemplatePreviews
    media: MediaPaths
    providers: Mapping[str, ProviderSettings]
    sessions: Sessions
    pages: Pages
    static: StaticFiles
    readiness: Readiness
    sign_ins: SignIns
    rate: RequestRate
    streams: OpenStreams
    bell: Bell
    clock: Clock
    public_url: str | None
