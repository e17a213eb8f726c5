"""The dashboard over a registry in memory, and a visitor who reads its pages as a browser without scripts does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import unescape

import httpx
import pytest
from starlette.applications import Starlette

from bridge.errors import Away, StoreUnavailableError
from bridge.files import Variant
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.models import DeliveryStatus, EventType, Video, WatchStatus, WatchView
from bridge.registry.insight import DestinationHealth, Overview
from bridge.registry.previews import Fault, Measure, Preview
from bridge.rendering import SAMPLES, Told
from bridge.settings import ApiKey
from bridge.store.observations import Observation
from bridge.web.application import create_web
from bridge.web.dashboard import DashboardParts
from bridge.web.health import Readiness
from tests.clock import ManualClock
from tests.web.conftest import NAMELESS, READER, WRITER
from tests.web.fakes import FakeRegistry

SIGNING = (b"n" * 32, b"o" * 32)
HOSTILE = '<script>alert("1")</script>'


class FakeInsight:
    """Knows what it was given."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.told: dict[tuple[str, str], DeliveryStatus] = {}
        self.its = DestinationHealth(4, 0.75, 120, 150.0, breaker_open=True, probe_at=200.0)
        self.figures = Overview(1000.0, {WatchStatus.WATCHING: 3}, {DeliveryStatus.FAILED: 2}, {}, (), (), ())

    async def time_line(self, watch_id: str, /) -> Sequence[Observation]:
        return self.seen

    async def results(self, watch_ids: Sequence[str], /) -> Mapping[tuple[str, str], DeliveryStatus]:
        return self.told

    async def health(self, destination_ids: Collection[str], /) -> Mapping[str, DestinationHealth]:
        return dict.fromkeys(destination_ids, self.its)

    async def watch_counts(self) -> Mapping[WatchStatus, int]:
        return self.figures.watches

    async def delivery_counts(self) -> Mapping[DeliveryStatus, int]:
        return self.figures.deliveries

    async def overview(self) -> Overview:
        return self.figures


class FakePreviews:
    """Answers with what it was asked, or with a fault."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Told, str | None]] = []
        self.fault: Fault | None = None

    def told_of(self, watch: WatchView, event_type: EventType, now: float, /) -> Told:
        return replace(SAMPLES[event_type], watch_id=watch.id, video=Video(watch.video_id))

    async def preview(self, kind: str, told: Told, template: str | None, /) -> Preview:
        self.asked.append((kind, told, template))
        if self.fault is not None:
            return Preview({}, None, (), self.fault)
        return Preview({"html": f"<p style='color:red'>{kind}</p>"}, None, (Measure("Blocks", 3, 50),))


class FakeMedia:
    """Has the files of every completed video."""

    async def paths(self, watch: WatchView, /) -> dict[Variant, str]:
        return {Variant.VIDEO: f"/media/{watch.id}"} if watch.status is WatchStatus.COMPLETED else {}


class FakeEnded:
    """The sessions that were signed out of, by when their cookies end."""

    def __init__(self) -> None:
        self.until: dict[str, float] = {}
        self.away = False

    async def add(self, session: str, until: float, now: float, /) -> None:
        self.until[session] = until

    async def has(self, session: str, /) -> bool:
        if self.away:
            raise StoreUnavailableError("/var/lib/bridge.db: database is locked", Away.LOCKED)
        return session in self.until


@dataclass
class Visit:
    """A browser without scripts: keeps cookies, and sends forms with the token of the page it saw last."""

    client: httpx.AsyncClient
    token: str = ""
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> httpx.Response:
        return self._saw(await self.client.get(path, headers=self.headers))

    async def post(self, path: str, **fields: object) -> httpx.Response:
        form = {"form_token": self.token, **fields}
        return self._saw(await self.client.post(path, data=form, headers=self.headers))

    async def sign_in(self, key: ApiKey) -> httpx.Response:
        await self.get("/sign-in")
        return await self.post("/sign-in", api_key=key.key.get_secret_value())

    def _saw(self, answer: httpx.Response) -> httpx.Response:
        self.html = unescape(answer.text)
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', answer.text)
        self.token = found[1] if found else self.token
        return answer


@pytest.fixture
def insight() -> FakeInsight:
    return FakeInsight()


@pytest.fixture
def previews() -> FakePreviews:
    return FakePreviews()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def ended() -> FakeEnded:
    return FakeEnded()


@pytest.fixture
def parts(registry: FakeRegistry, insight: FakeInsight, previews: FakePreviews, ended: FakeEnded) -> DashboardParts:
    return DashboardParts(registry, insight, previews, FakeMedia(), SIGNING, ended)


@pytest.fixture
def shown(
    registry: FakeRegistry, readiness: Readiness, parts: DashboardParts, auto_clock: ManualClock, bell: Bell
) -> Starlette:
    """A server without keys."""
    return create_web(registry, Metrics(), readiness, dashboard=parts, clock=auto_clock, progress=bell)


@pytest.fixture
def keyed_pages(
    registry: FakeRegistry, readiness: Readiness, parts: DashboardParts, auto_clock: ManualClock
) -> Starlette:
    """A server with keys."""
    keys = (WRITER, READER, NAMELESS)
    return create_web(registry, Metrics(), readiness, dashboard=parts, clock=auto_clock, api_keys=keys)


@pytest.fixture
async def visit(shown: Starlette) -> AsyncIterator[Visit]:
    async with visiting(shown) as made:
        await made.get("/")
        yield made


@pytest.fixture
async def keyed_visit(keyed_pages: Starlette) -> AsyncIterator[Visit]:
    async with visiting(keyed_pages) as made:
        yield made


class visiting:  # noqa: N801 - used as a context manager
    """A visit of an application."""

    def __init__(self, app: Starlette, base_url: str = "http://localhost:8080") -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url)

    async def __aenter__(self) -> Visit:
        return Visit(self._client)

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
