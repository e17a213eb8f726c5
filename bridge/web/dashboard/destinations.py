"""Destinations: added, tried out, switched on and off, given new secrets; and how they do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from bridge.errors import InvalidRequestError, RequestError
from bridge.models import Attempt, DestinationDetail, EventType, PageRequest
from bridge.notifiers.email_presets import packaged_presets
from bridge.registry import DestinationChange, NewDestination
from bridge.registry.bodies import BODIES
from bridge.web.dashboard.deliveries import readable
from bridge.web.dashboard.forms import Form
from bridge.web.dashboard.guard import Ask
from bridge.web.dashboard.labels import DESTINATION, problem_of
from bridge.web.dashboard.queries import cursor
from bridge.web.problems import no_such, validate
from bridge.web.requestlog import caller

PAGE = 50
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_GIVEN = ("kind", "name", "url", "secret", "headers", "preset", "api_key", "from", "to", "template", "fallback")


async def list_destinations(ask: Ask) -> Response:
    """The list, with the health of each."""
    return ask.page("destinations", **await _listed(ask, Form({})))


async def add(ask: Ask) -> Response:
    """Store a destination; its signing secret is shown now and never again."""
    try:
        body = validate(NewDestination, body_of(ask.form))
        made = await ask.desk.registry.destinations.create(body, created_by=caller(ask.request.scope).key_name)
    except RequestError as error:
        values = await _listed(ask, ask.form)
        return ask.page("destinations", error.status, **{**values, "problem": problem_of(error, DESTINATION)})
    if made.signing_secret is None:
        return ask.go_to(f"destinations/{made.name}")
    return await _one(ask, made, news="It is stored.")


async def show(ask: Ask) -> Response:
    """One destination."""
    return await _one(ask, await ask.desk.registry.destinations.get(_name(ask)))


async def test(ask: Ask) -> Response:
    """Send the event of a test, and show at once what came of it."""
    name = _name(ask)
    attempt = await ask.desk.registry.destinations.test(name)
    destination = await ask.desk.registry.destinations.get(name)
    return await _one(ask, destination, attempt=attempt, response=readable(attempt.response))


async def switch(ask: Ask) -> Response:
    """Enable or disable."""
    wanted = DestinationChange(enabled=ask.form.text("enabled") == "true")
    await ask.desk.registry.destinations.patch(_name(ask), wanted)
    return ask.go_to(f"destinations/{_name(ask)}")


async def rotate(ask: Ask) -> Response:
    """Give a callback a new signing secret, shown now and never again."""
    rotated = await ask.desk.registry.destinations.rotate(_name(ask))
    return await _one(ask, rotated, news="From now on this secret signs; the one before signs beside it for 24 hours.")


async def _one(
    ask: Ask,
    destination: DestinationDetail,
    *,
    news: str | None = None,
    attempt: Attempt | None = None,
    response: str | None = None,
) -> Response:
    health = (await ask.desk.insight.health([destination.id]))[destination.id]
    trial = ask.desk.registry.destinations.trials().get(destination.id)
    return ask.page(
        "destination",
        destination=destination,
        health=health,
        news=news,
        attempt=attempt,
        response=response,
        trial=trial,
    )


async def _listed(ask: Ask, form: Form) -> dict[str, Any]:
    after = cursor(ask.request.query_params.get("after", ""), "dest")
    page = await ask.desk.registry.destinations.page(PageRequest(PAGE, after))
    return {
        "destinations": page.items,
        "has_more": page.has_more,
        "after": after,
        "trials": ask.desk.registry.destinations.trials(),
        "health": await ask.desk.insight.health([each.id for each in page.items]),
        "kinds": list(BODIES),
        "events": list(EventType),
        "presets": sorted(packaged_presets()),
        "given": {name: form.raw(name) for name in _GIVEN}
        | {"events": form.all("events") or list(EventType), "default": bool(form.text("default"))},
        "labels": DESTINATION,
        "problem": None,
    }


def body_of(form: Form) -> dict[str, Any]:
    """The destination that a form describes: what its kind takes, and empty fields left out."""
    kind = form.text("kind")
    fields: dict[str, Any] = {"kind": kind, "name": form.text("name")}
    for name in ("url", "fallback"):
        fields |= _unless_empty(form, name, str)
    if form.raw("template").strip():
        fields["template"] = form.raw("template")
    if kind in ("callback", "email-webhook"):
        fields |= _unless_empty(form, "headers", _headers)
    if kind == "callback":
        fields |= _unless_empty(form, "secret", str)
    if kind == "email-webhook":
        for name in ("preset", "api_key", "from"):
            fields |= _unless_empty(form, name, str)
        fields |= _unless_empty(form, "to", lambda text: [each.strip() for each in text.split(",") if each.strip()])
    if form.all("events"):
        fields["events"] = list(form.all("events"))
    return fields | ({"default": True} if form.text("default") else {})


def _unless_empty(form: Form, name: str, read: Callable[[str], Any]) -> dict[str, Any]:
    text = form.text(name)
    return {name: read(text)} if text else {}


def _headers(text: str) -> Mapping[str, str]:
    headers = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise InvalidRequestError("A header is `Name: value`, one per line.", param="headers")
        headers[name.strip()] = value.strip()
    return headers


def _name(ask: Ask) -> str:
    name: str = ask.request.path_params["destination"]
    if not _NAME.fullmatch(name):
        raise no_such("destination", name, param="destination")
    return name
