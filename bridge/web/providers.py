"""The endpoint about providers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from bridge.egress import shown_url
from bridge.models import ProviderStanding
from bridge.settings import ProviderSettings
from bridge.web import schemas, views
from bridge.web.queries import NoQuery, read_query
from bridge.web.services import Services


async def list_providers(services: Services, request: Request) -> Response:
    """All configured providers and how they stand."""
    read_query(request, NoQuery)
    configured = services.providers
    standings = await services.registry.standings({name: each.base_url for name, each in configured.items()})
    data = [_provider(each, standings[name]) for name, each in configured.items()]
    return views.json_response(
        schemas.ProviderList(object="list", data=data, first_id=None, last_id=None, has_more=False)
    )


def _provider(settings: ProviderSettings, standing: ProviderStanding) -> schemas.Provider:
    return schemas.Provider(
        name=settings.name,
        base_url=shown_url(settings.base_url),
        state=standing.state,
        since=None if standing.since is None else int(standing.since),
        reason=standing.reason,
        rate=settings.rate,
        videos_in_flight=standing.videos_in_flight,
    )
