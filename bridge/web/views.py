"""From the registry's values to the API's JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.responses import Response

from bridge.models import (
    Attempt,
    DeliveryStatus,
    DeliveryView,
    DestinationDetail,
    DestinationView,
    Outlook,
    Page,
    WatchView,
)
from bridge.web import schemas

_DELIVERY_STATUSES = [(status, status.value) for status in DeliveryStatus]

Row = TypeVar("Row", WatchView, DeliveryView, DestinationDetail)
Shown = TypeVar("Shown", bound=BaseModel)


def json_response(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """``body`` as a JSON answer. Answers of the API may hold secrets and are never worth keeping."""
    return Response(
        body.model_dump_json(), status, {"cache-control": "no-store"} | (headers or {}), media_type="application/json"
    )


def watch(view: WatchView) -> schemas.Watch:
    """A watch as the API shows it."""
    return schemas.Watch(**watch_fields(view), destinations=[_destination(each) for each in view.destinations])


def registered_watch(view: WatchView) -> schemas.RegisteredWatch:
    """A watch as its registration is answered: with the signing secrets the registry wants told."""
    destinations = [registered_destination_fields(each) for each in view.destinations]
    return schemas.RegisteredWatch(**watch_fields(view), destinations=destinations)


def watch_list(page: Page[WatchView]) -> schemas.WatchList:
    """A page of watches."""
    return schemas.WatchList(**_listing(page), data=_all(page.items, watch))


def delivery(view: DeliveryView) -> schemas.Delivery:
    """A delivery as lists show it."""
    return schemas.Delivery(**_delivery_fields(view))


def delivery_detail(view: DeliveryView) -> schemas.DeliveryDetail:
    """A delivery with the body that is sent."""
    return schemas.DeliveryDetail(**_delivery_fields(view), request_body=view.request_body)


def delivery_list(page: Page[DeliveryView]) -> schemas.DeliveryList:
    """A page of deliveries."""
    return schemas.DeliveryList(**_listing(page), data=_all(page.items, delivery))


def attempt(made: Attempt) -> schemas.DeliveryAttempt:
    """One attempt."""
    return schemas.DeliveryAttempt(
        number=made.number,
        at=int(made.at),
        duration_ms=made.duration_ms,
        outcome=made.outcome,
        reason=made.reason,
        status=made.status,
        response=made.response,
        trigger=made.trigger,
    )


def destination(view: DestinationDetail) -> schemas.DestinationWithSecret:
    """A destination as the API shows it, with its signing secret where that is to be told."""
    return schemas.DestinationWithSecret(
        object="destination",
        id=view.id,
        name=view.name,
        kind=view.kind,
        url=view.url,
        events=list(view.events),
        default=view.default,
        enabled=view.enabled,
        disabled_reason=view.disabled_reason,
        fallback=view.fallback,
        created_at=int(view.created_at),
        signing_secret=view.signing_secret,
    )


def destination_list(page: Page[DestinationDetail]) -> schemas.DestinationList:
    """A page of destinations."""
    return schemas.DestinationList(**_listing(page), data=_all(page.items, destination))


def _all(rows: Sequence[Row], show: Callable[[Row], Shown]) -> list[Shown]:
    return [show(row) for row in rows]


def _listing(page: Page[Row]) -> dict[str, Any]:
    ids = [item.id for item in page.items]
    return {
        "object": "list",
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": page.has_more,
    }


def watch_fields(view: WatchView) -> dict[str, Any]:
    """All fields of a watch but its destinations, as plain JSON."""
    return {
        "id": view.id,
        "object": "watch",
        "status": view.status.value,
        "video_id": view.video_id,
        "provider": view.provider,
        "key": view.key,
        "video": None if view.video is None else view.video.as_dict(),
        "metadata": dict(view.metadata),
        "created_at": int(view.created_at),
        "created_by": view.created_by,
        "expires_at": int(view.expires_at),
        "ended_at": _seconds(view.ended_at),
        "reason": view.reason,
        "deliveries": {word: view.deliveries.get(status, 0) for status, word in _DELIVERY_STATUSES},
    }


def outlook(watch_id: str, found: Outlook) -> schemas.Outlook:
    """When a watch's video is looked at next."""
    return schemas.Outlook(
        object="outlook",
        watch_id=watch_id,
        next_look_at=_seconds(found.next_look_at),
        expected_end_at=_seconds(found.expected_end_at),
        reason=found.reason,
    )


def _destination(view: DestinationView) -> schemas.WatchDestination:
    return schemas.WatchDestination(**_destination_fields(view))


def _destination_fields(view: DestinationView) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "kind": view.kind,
        "url": view.url,
        "events": list(view.events),
        "enabled": view.enabled,
    }


def registered_destination_fields(view: DestinationView) -> dict[str, Any]:
    """A destination as the registration of a watch shows it, as plain JSON."""
    secret = {} if view.signing_secret is None else {"signing_secret": view.signing_secret}
    return _destination_fields(view) | secret


def _delivery_fields(view: DeliveryView) -> dict[str, Any]:
    told = view.destination
    return {
        "id": view.id,
        "object": "delivery",
        "watch_id": view.watch_id,
        "event_id": view.event_id,
        "event_type": view.event_type,
        "status": view.status,
        "destination": schemas.Receiver(id=told.id, name=told.name, kind=told.kind, url=told.url),
        "created_at": int(view.created_at),
        "next_attempt_at": _seconds(view.next_attempt_at),
        "delivered_at": _seconds(view.delivered_at),
        "reason": view.reason,
        "degraded": view.degraded,
        "attempts": [attempt(each) for each in view.attempts],
    }


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)
