"""The pages of the dashboard: a new one is an endpoint and a line here."""

from __future__ import annotations

from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.web.auth import KeyRing
from bridge.web.dashboard import deliveries, destinations, overview, signing_in, templates, watch, watches
from bridge.web.dashboard.desk import Desk
from bridge.web.dashboard.guard import Ask, Page, page_routes
from bridge.web.dashboard.live import LiveStream


def dashboard_routes(desk: Desk, keys: KeyRing) -> list[BaseRoute]:
    """All pages, the static files beside them, and the stream that tells them to read themselves again."""

    async def static(request: Request) -> Response:
        return desk.static.response(request.path_params["name"])

    return [*page_routes(_pages(keys), desk), Route("/static/{name}", static)]


def _pages(keys: KeyRing) -> list[Page]:
    return [
        Page("GET", "/", watches.list_watches),
        Page("GET", "/live", _live),
        Page("GET", "/watches", _to_watches),
        Page("POST", "/watches", watches.register, changes=True),
        Page("GET", "/watches/{watch_id}", watch.show),
        Page("POST", "/watches/{watch_id}/cancel", watch.cancel, changes=True),
        Page("GET", "/deliveries", deliveries.list_deliveries),
        Page("POST", "/deliveries/retry", deliveries.retry_all, changes=True),
        Page("GET", "/deliveries/{delivery_id}", deliveries.show),
        Page("POST", "/deliveries/{delivery_id}/retry", deliveries.retry, changes=True),
        Page("GET", "/destinations", destinations.list_destinations),
        Page("POST", "/destinations", destinations.add, changes=True),
        Page("GET", "/destinations/{destination}", destinations.show),
        Page("GET", "/destinations/{destination}/{action}", _to_destination),
        Page("POST", "/destinations/{destination}/test", destinations.test, changes=True),
        Page("POST", "/destinations/{destination}/switch", destinations.switch, changes=True),
        Page("POST", "/destinations/{destination}/rotate", destinations.rotate, changes=True),
        Page("GET", "/templates", templates.show),
        Page("POST", "/templates", templates.preview),
        Page("GET", "/templates/mail", templates.packaged_mail),
        Page("POST", "/templates/mail", templates.mail),
        Page("GET", "/overview", overview.show),
        Page("GET", "/sign-in", signing_in.ask_to_sign_in, open=True),
        Page("POST", "/sign-in", signing_in.SignIn(keys), open=True),
        Page("POST", "/sign-out", signing_in.sign_out, open=True),
        Page("POST", "/theme", signing_in.choose_theme, open=True),
    ]


async def _to_watches(ask: Ask) -> Response:
    return ask.go_to("")


async def _to_destination(ask: Ask) -> Response:
    """Where the answer to a form stands there is no page by itself; whoever loads it anew is led to what there is."""
    return ask.go_to(f"destinations/{ask.request.path_params['destination']}")


async def _live(ask: Ask) -> Response:
    place = ExitStack()
    place.enter_context(ask.desk.streams.one(ask.seen.visitor.key_id))
    return LiveStream(ask.desk.bell, ask.desk.clock, ask.desk.readiness, place)
