"""Deliveries: what was sent and answered, and sending again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from bridge.errors import InvalidRequestError
from bridge.models import DeliveryStatus, DeliveryView, Page, PageRequest
from bridge.registry import DeliveryFilter, RetryFilter
from bridge.web.dashboard.guard import Ask
from bridge.web.dashboard.queries import chosen, cursor, searched
from bridge.web.problems import no_such

PAGE = 25
_ID = re.compile(r"dlv_[0-9A-Za-z_-]{1,64}")
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Query:
    """What the list is asked to show.

    :param destination: a name or an id.
    """

    status: DeliveryStatus | None
    destination: str
    after: str | None

    def link(self, **changed: str | None) -> str:
        """The query string of this list with something else changed."""
        fields = {"status": self.status, "destination": self.destination, **changed}
        return urlencode({name: value for name, value in fields.items() if value})


async def list_deliveries(ask: Ask) -> Response:
    """The list; without a filter, the failed ones stand first."""
    query = Query(
        chosen(ask.request.query_params.get("status", ""), DeliveryStatus),
        searched(ask.request.query_params.get("destination", "")),
        cursor(ask.request.query_params.get("after", ""), "dlv"),
    )
    failed: Page[DeliveryView] = Page((), has_more=False)
    if query.status is None and query.after is None:
        failed = await ask.desk.registry.deliveries(
            PageRequest(PAGE), DeliveryFilter(DeliveryStatus.FAILED, destination=query.destination or None)
        )
    page = await ask.desk.registry.deliveries(
        PageRequest(PAGE, query.after), DeliveryFilter(query.status, destination=query.destination or None)
    )
    shown = {each.id for each in failed.items}
    return ask.page(
        "deliveries",
        query=query,
        failed=failed,
        others=[each for each in page.items if each.id not in shown],
        last=page.items[-1].id if page.items else None,
        has_more=page.has_more,
        counts=await ask.desk.insight.delivery_counts(),
        statuses=list(DeliveryStatus),
        names=[each.name for each in (await ask.desk.registry.destinations.page(PageRequest(_MOST_NAMES))).items],
        retried=_number(ask.request.query_params.get("retried", "")),
    )


async def show(ask: Ask) -> Response:
    """One delivery with its attempts and the body that is sent."""
    delivery = await ask.desk.registry.delivery(_id(ask))
    return ask.page("delivery", delivery=delivery, body=readable(delivery.request_body))


async def retry(ask: Ask) -> Response:
    """Send one again now."""
    delivery = await ask.desk.registry.retry(_id(ask))
    return ask.go_to(f"deliveries/{delivery.id}")


async def retry_all(ask: Ask) -> Response:
    """Send all failed ones again that match."""
    wanted = RetryFilter(since=_since(ask.form.text("since")), destination=ask.form.text("destination") or None)
    retried = await ask.desk.registry.retry_many(wanted)
    return ask.go_to(f"deliveries?retried={retried}")


def readable(text: str | None) -> str | None:
    """A body as people read it: JSON on several lines, everything else as it is."""
    if text is None:
        return None
    try:
        value: Mapping[str, Any] = json.loads(text)
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _since(text: str) -> int | None:
    """A date and time of a form, in UTC."""
    if not text:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        problem = "“Created at or after” is a date and a time, such as 2025-11-23T09:00."
        raise InvalidRequestError(problem, param="since") from error


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _id(ask: Ask) -> str:
    delivery_id: str = ask.request.path_params["delivery_id"]
    if not _ID.fullmatch(delivery_id):
        raise no_such("delivery", delivery_id, "dlv_")
    return delivery_id
