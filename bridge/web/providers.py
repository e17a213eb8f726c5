"""The endpoint about providers."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from bridge.egress import shown_url
from bridge.errors import InvalidRequestError
from bridge.models import ProviderStanding
from bridge.settings import ProviderSettings
from bridge.web import schemas, views
from bridge.web.queries import ProviderQuery, read_query
from bridge.web.services import Services


async def list_providers(services: Services, request: Request) -> Response:
    """The configured providers and how they stand."""
    names, has_more = _page(list(services.providers), read_query(request, ProviderQuery))
    configured = {name: services.providers[name] for name in names}
    standings = await services.registry.standings({name: each.base_url for name, each in configured.items()})
    return views.json_response(
        schemas.ProviderList(
            object="list",
            data=[_provider(each, standings[name]) for name, each in configured.items()],
            first_id=names[0] if names else None,
            last_id=names[-1] if names else None,
            has_more=has_more,
        )
    )


def _page(names: Sequence[str], query: ProviderQuery) -> tuple[Sequence[str], bool]:
    """The names of one page, and whether there are more."""
    if query.order == "asc":
        names = names[::-1]
    if query.after is not None:
        if query.after not in names:
            raise InvalidRequestError(f"There is no provider {query.after!r}.", param="after")
        names = names[names.index(query.after) + 1 :]
    return names[: query.limit], len(names) > query.limit


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
