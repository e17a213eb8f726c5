"""The endpoints about destinations."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from bridge.registry import DestinationChange, NewDestination
from bridge.web import schemas, views
from bridge.web.bodies import read_model, read_nothing
from bridge.web.problems import no_such
from bridge.web.queries import DestinationQuery, ForceQuery, NoQuery, read_query
from bridge.web.requestlog import caller
from bridge.web.services import Services

# Of a name; an id is one, too.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


async def list_destinations(services: Services, request: Request) -> Response:
    """One page of the destinations that have a name."""
    page = read_query(request, DestinationQuery).page
    return views.json_response(views.destination_list(await services.registry.destinations.page(page)))


async def create(services: Services, request: Request) -> Response:
    """Store a destination under a name."""
    read_query(request, NoQuery)
    body = await read_model(request, NewDestination)
    made = await services.registry.destinations.create(body, created_by=caller(request.scope).key_name)
    return views.json_response(views.destination(made), 201, {"location": f"/v1/destinations/{made.name}"})


async def show(services: Services, request: Request) -> Response:
    """One destination."""
    read_query(request, NoQuery)
    return views.json_response(views.destination(await services.registry.destinations.get(_name_or_id(request))))


async def change(services: Services, request: Request) -> Response:
    """Change fields of a destination."""
    read_query(request, NoQuery)
    wanted = await read_model(request, DestinationChange)
    changed = await services.registry.destinations.patch(_name_or_id(request), wanted)
    return views.json_response(views.destination(changed))


async def delete(services: Services, request: Request) -> Response:
    """Delete a destination."""
    force = read_query(request, ForceQuery).force == "true"
    deleted = await services.registry.destinations.delete(_name_or_id(request), force=force)
    return views.json_response(schemas.DeletedDestination(id=deleted, object="destination", deleted=True))


async def test(services: Services, request: Request) -> Response:
    """Send a sample event."""
    read_query(request, NoQuery)
    name_or_id = _name_or_id(request)
    await read_nothing(request)
    return views.json_response(views.attempt(await services.registry.destinations.test(name_or_id)))


async def rotate(services: Services, request: Request) -> Response:
    """Give a callback a new signing secret."""
    read_query(request, NoQuery)
    name_or_id = _name_or_id(request)
    await read_nothing(request)
    return views.json_response(views.destination(await services.registry.destinations.rotate(name_or_id)))


def _name_or_id(request: Request) -> str:
    """What the path names; what can be neither name nor id is not asked for in the database."""
    name_or_id: str = request.path_params["destination"]
    if not _NAME.fullmatch(name_or_id):
        raise no_such("destination", name_or_id, param="destination")
    return name_or_id
