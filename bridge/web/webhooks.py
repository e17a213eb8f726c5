"""The provider's own webhooks: a push says which video to look at now. What it says of the video is not believed."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.logs import get_logger
from bridge.web import bodies, schemas, views
from bridge.web.services import Services
from bridge.web.strictjson import parse

PROVIDER = "openai"
EVENTS = frozenset({"video.completed", "video.failed"})
_LONGEST_ID = 512

_log = get_logger("bridge.web")


async def receive_openai(services: Services, request: Request) -> Response:
    """Look at once at the video that the provider says has ended."""
    webhooks = services.webhooks
    if webhooks is None:
        raise NotFoundError(
            "This server takes no webhooks of a provider: OPENAI_WEBHOOK_SECRET is not set.", code="not_configured"
        )
    raw = await bodies.read_bytes(request, bodies.MAX_BODY)
    message_id = webhooks.id_of(request.headers, raw)
    event = parse(raw)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise InvalidRequestError("A webhook is an object with a `type`.", param="type", code="invalid_value")
    if not webhooks.is_new(message_id) or event["type"] not in EVENTS:
        return _answer("ignored")
    video_id = _video_id(event)
    looked = await services.registry.look_now(PROVIDER, video_id)
    webhooks.followed(message_id)  # not before: one that could not be followed is sent again
    services.metrics.pushed(PROVIDER, first=looked)
    _log.info("push", video=video_id, type=event["type"], watched=looked)
    return _answer("looking" if looked else "ignored")


def _video_id(event: dict[str, Any]) -> str:
    data = event.get("data")
    video_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(video_id, str) or not 0 < len(video_id) <= _LONGEST_ID or not video_id.isprintable():
        raise InvalidRequestError("`data.id` must be the id of a video.", param="data.id", code="invalid_value")
    return video_id


def _answer(status: str) -> Response:
    return views.json_response(schemas.WebhookReceipt(status=status))
