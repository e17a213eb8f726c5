"""The endpoints about deliveries."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from bridge.registry import DeliveryFilter, RetryFilter
from bridge.web import schemas, views
from bridge.web.bodies import read_model, read_nothing
from bridge.web.problems import no_such
from bridge.web.queries import DeliveryQuery, NoQuery, read_query
from bridge.web.services import Services

_DELIVERY_ID = re.compile(r"dlv_[0-9A-Za-z_-]{1,64}")


async def list_deliveries(services: Services, request: Request) -> Response:
    """One page of deliveries."""
    query = read_query(request, DeliveryQuery)
    chosen = DeliveryFilter(query.status, query.watch_id, query.destination)
    return views.json_response(views.delivery_list(await services.registry.deliveries(query.page, chosen)))


async def show(services: Services, request: Request) -> Response:
    """One delivery with its attempts and the body that is sent."""
    read_query(request, NoQuery)
    return views.json_response(views.delivery_detail(await services.registry.delivery(_delivery_id(request))))


async def retry(services: Services, request: Request) -> Response:
    """Send one delivery again now."""
    read_query(request, NoQuery)
    delivery_id = _delivery_id(request)
    await read_nothing(request)
    return views.json_response(views.delivery(await services.registry.retry(delivery_id)), 202)


async def retry_failed(services: Services, request: Request) -> Response:
    """Send failed deliveries again."""
    read_query(request, NoQuery)
    chosen = await read_model(request, RetryFilter)
    return views.json_response(schemas.Retried(retried=await services.registry.retry_many(chosen)))


def _delivery_id(request: Request) -> str:
    """The id in the path; one that cannot be a delivery's is not asked for in the database."""
    delivery_id: str = request.path_params["delivery_id"]
    if not _DELIVERY_ID.fullmatch(delivery_id):
        raise no_such("delivery", delivery_id, "dlv_")
    return delivery_id
