"""The web application, put together."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from bridge.clock import Clock, SystemClock
from bridge.loops import Bell
from bridge.metrics import Metrics
from bridge.resources import templates_dir
from bridge.settings import ApiKey, ProviderSettings
from bridge.web.api import OPERATIONS
from bridge.web.auth import Gate, KeyRing, LocalOnly
from bridge.web.changes import Changes
from bridge.web.dashboard import DashboardParts, build_dashboard
from bridge.web.docs import render
from bridge.web.errors import HANDLERS
from bridge.web.files import FilePages, MediaService
from bridge.web.headers import SecurityHeaders
from bridge.web.health import Readiness
from bridge.web.limits import RequestRate, SignIns
from bridge.web.openapi import document
from bridge.web.operations import Operation, routes
from bridge.web.pushes import ProviderWebhooks
from bridge.web.requestlog import RequestLog
from bridge.web.services import Services, StaticPage, WatchRegistry


def create_web(
    registry: WatchRegistry,
    metrics: Metrics,
    readiness: Readiness,
    *,
    api_keys: Sequence[ApiKey] = (),
    public_url: str | None = None,
    templates: Path | None = None,
    clock: Clock | None = None,
    wall: Clock | None = None,
    progress: Bell | None = None,
    providers: Mapping[str, ProviderSettings] | None = None,
    webhook_secret: str | None = None,
    closed: Collection[str] = (),
    media: MediaService | None = None,
    operations: Sequence[Operation] = OPERATIONS,
    dashboard: DashboardParts | None = None,
) -> Starlette:
    """The ASGI application that serves API, probes, metrics and documentation.

    :param api_keys: who may use ``/v1``; without any, only requests from this machine are answered at all.
    :param public_url: how clients reach this server; for the documentation.
    :param templates: a folder whose files win over the packaged templates of the same name.
    :param wall: the machine's clock, by which signatures are judged.
    :param closed: paths outside ``/v1`` that ask for a key, too.
    :param progress: rung when a watch shows something new.
    :param webhook_secret: what the provider signs its own webhooks with; without it they are refused.
    :param providers: those that are configured, for the list of them.
    :param media: finds the files that links in notifications lead to.
    :param dashboard: what the pages for people need; without it there are none.
    """
    clock = clock or SystemClock()
    wall, progress, providers = wall or clock, progress or Bell(), providers or {}
    folders = [*([] if templates is None else [templates]), templates_dir()]
    services = Services(
        registry=registry,
        metrics=metrics,
        readiness=readiness,
        changes=Changes(registry, progress, clock),
        openapi=partial(_document_page, public_url or "/"),
        docs=partial(_docs_page, public_url or "/", tuple(folders)),
        providers=providers,
        webhooks=None if webhook_secret is None else ProviderWebhooks(webhook_secret, wall),
    )
    gate = Gate(KeyRing(api_keys), RequestRate(clock), SignIns(clock))
    pages: list[BaseRoute] = [] if media is None else [*FilePages(media, folders).routes()]
    if dashboard is not None:
        pages += build_dashboard(dashboard, services, gate, folders, progress, clock, wall, public_url)
    return _assembled(
        [*routes(operations, services, guard=[gate.guard], closed=closed), *pages],
        _middleware(clock, local=not gate.keys, secure=(public_url or "").startswith("https:")),
    )


def _assembled(routes: list[BaseRoute], middleware: list[Middleware]) -> Starlette:
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # a path is the route or it is not: a redirect would lose bodies and keys
    return app


@cache
def _document_page(server_url: str) -> StaticPage:
    """The API's document."""
    content = json.dumps(document(server_url)).encode()
    return StaticPage(content, "application/json", {"x-content-type-options": "nosniff"})


@cache
def _docs_page(server_url: str, folders: tuple[Path, ...]) -> StaticPage:
    """The documentation page. Its template is read once per process, as all are."""
    return render(document(server_url), folders)


def _middleware(clock: Clock, *, local: bool, secure: bool) -> list[Middleware]:
    """What every request goes through, the outermost first."""
    layers = [Middleware(RequestLog, clock=clock), Middleware(SecurityHeaders, secure=secure)]
    return [*layers, Middleware(LocalOnly)] if local else layers
