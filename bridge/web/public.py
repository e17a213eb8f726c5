"""The endpoints that ask for no key: probes, metrics and the documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreError
from bridge.logs import get_logger
from bridge.web import schemas, views
from bridge.web.services import Services, StaticPage

_log = get_logger("bridge.web")


async def healthz(_services: Services, _request: Request) -> Response:
    """The process answers."""
    return views.json_response(schemas.Health(status="ok"))


async def readyz(services: Services, _request: Request) -> Response:
    """Whether to send requests here."""
    report = await services.readiness.report()
    body = schemas.ReadinessReport(status=report.phase, loops=dict(report.loops), database=report.database)
    return views.json_response(body, 200 if report.ready else 503)


async def metrics(services: Services, _request: Request) -> Response:
    """What Prometheus reads. Without the database it still gets what this process counted itself."""
    try:
        await _refresh(services)
    except StoreError as error:
        _log.warning("metrics_without_database", error=str(error))
    content, content_type = services.metrics.render()
    return Response(content, headers={"content-type": content_type})


async def openapi(services: Services, _request: Request) -> Response:
    """The OpenAPI document."""
    return await _page(services.openapi)


async def docs(services: Services, _request: Request) -> Response:
    """The API reference for people."""
    return await _page(services.docs)


async def _page(make: Callable[[], StaticPage]) -> Response:
    """A page that is made when it is first asked for, which takes a fifth of a second: neither a start nor others
    wait for that."""
    return (await asyncio.to_thread(make)).response()


async def _refresh(services: Services) -> None:
    counts = await services.registry.counts()
    services.metrics.set_watches(counts.watches)
    services.metrics.set_videos_in_flight(counts.videos_in_flight)
    services.metrics.set_deliveries(counts.deliveries)
    services.metrics.set_provider_states(counts.provider_states)
    services.metrics.set_outbox_oldest(counts.outbox_oldest)
    services.metrics.set_targets_disabled(counts.targets_disabled)
    services.metrics.set_breakers_open(counts.breakers_open)
