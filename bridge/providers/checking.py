"""Asking a provider once whether it is there, whether it takes our key, and what its clock shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bridge.clock import Clock
from bridge.egress import Door, OutgoingRequest
from bridge.errors import EgressError
from bridge.providers.openai import request_headers
from bridge.retry import date_of, offset_of
from bridge.settings import ProviderSettings
from bridge.settings.urls import shown

_VERSION = re.compile(r"/v[0-9]")

WORTH_SAYING = 60.0
"""An offset of the clocks from which on it is reported, seconds. Webhooks' receivers tolerate five minutes."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one request showed.

    :param problem: what should be looked into, a sentence; None when nothing.
    :param status: of the answer; None when there was none.
    :param clock_offset: how far this machine's clock is ahead, seconds; None when the answer had no date.
    """

    name: str
    problem: str | None = None
    status: int | None = None
    clock_offset: float | None = None


async def ask(config: ProviderSettings, door: Door, clock: Clock, timeout: float) -> Checked:
    """Ask for the first entry of the list of videos. A provider that has no list says so, which is an answer, too."""
    query = urlencode({**config.query, "limit": "1"})
    request = OutgoingRequest("GET", f"{config.base_url}/videos?{query}", request_headers(config), b"")
    sent_at = clock.now()
    try:
        reply = await door.send(request, timeout=timeout)
    except EgressError as error:
        return Checked(config.name, f"it cannot be reached ({error})")
    date = date_of(reply.headers)
    offset = None if date is None else offset_of(date, sent_at, clock.now())
    return Checked(config.name, _problem(config.base_url, reply.status, offset), reply.status, offset)


def _problem(base_url: str, status: int, offset: float | None) -> str | None:
    if status in (401, 403):
        return f"it refuses the key (HTTP {status})"
    if status >= 500:
        return f"it is in trouble (HTTP {status})"
    if status == 404 and not _VERSION.search(urlsplit(base_url).path):
        return f"it knows no {shown(base_url)}/videos (HTTP 404); perhaps the base URL lacks /v1 at its end"
    if offset is not None and abs(offset) > WORTH_SAYING:
        way = "ahead of" if offset > 0 else "behind"
        return f"this machine's clock is {abs(offset):.0f} s {way} its clock; receivers refuse webhooks that are off"
    return None
