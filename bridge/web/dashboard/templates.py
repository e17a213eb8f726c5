"""Trying templates: what a message would look like, and what is wrong with a template."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bridge.models import EventType
from bridge.registry.previews import KINDS
from bridge.rendering import SAMPLES, Told
from bridge.web.dashboard.forms import Form
from bridge.web.dashboard.framed import framed
from bridge.web.dashboard.guard import Ask
from bridge.web.dashboard.queries import chosen, cursor

_LONGEST = 65_536
_TO_BE_SHOWN = '<p style="margin:2rem;font-family:sans-serif">“Show the mail” renders here what is typed.</p>'


async def show(ask: Ask) -> Response:
    """The packaged message of a kind and an event, and a place to write another."""
    return ask.page("templates", **await _tried(ask, _asked(ask)))


async def preview(ask: Ask) -> Response:
    """What the given template makes of the chosen event."""
    return ask.page("templates", **await _tried(ask, ask.form))


async def packaged_mail(ask: Ask) -> Response:
    """The HTML of the packaged mail by itself, for the frame; of one that is typed in, how it gets there."""
    if "typed" in ask.request.query_params:
        return framed(_TO_BE_SHOWN)
    tried = await _tried(ask, _asked(ask))
    return framed(tried["preview"].parts.get("html", ""))


async def mail(ask: Ask) -> Response:
    """The HTML of a mail by itself, for the frame."""
    tried = await _tried(ask, ask.form)
    return framed(tried["preview"].parts.get("html", ""))


def _asked(ask: Ask) -> Form:
    """What a link asks to be shown: never a template, for addresses are kept in many places."""
    params = ask.request.query_params
    return Form({name: [params[name]] for name in ("kind", "event", "watch") if name in params})


async def _tried(ask: Ask, form: Form) -> dict[str, Any]:
    kind = form.text("kind") if form.text("kind") in KINDS else "slack"
    event_type = chosen(form.text("event"), EventType) or EventType.VIDEO_COMPLETED
    template = form.raw("template")[:_LONGEST]
    told, problem = await _told(ask, form.text("watch"), event_type)
    return {
        "kind": kind,
        "kinds": KINDS,
        "event": event_type,
        "events": list(EventType),
        "watch": form.text("watch"),
        "template": template,
        "problem": problem,
        "preview": await ask.desk.previews.preview(kind, told, template if template.strip() else None),
    }


async def _told(ask: Ask, watch_id: str, event_type: EventType) -> tuple[Told, str | None]:
    """The event to tell: a sample, or that of a real watch; and what is wrong with the watch that was named."""
    if not watch_id:
        return SAMPLES[event_type], None
    known = cursor(watch_id, "watch")
    found = {} if known is None else await ask.desk.registry.watches_by_id([known])
    if known is None or known not in found:
        return SAMPLES[event_type], f"There is no watch {watch_id[:80]!r}; this is the sample."
    return ask.desk.previews.told_of(found[known], event_type, ask.desk.clock.now()), None
