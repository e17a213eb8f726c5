"""The list of watches, and the form that registers new ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from bridge.errors import InvalidRequestError, RequestError
from bridge.models import DeliveryStatus, DestinationView, Outlook, Page, PageRequest, WatchStatus, WatchView
from bridge.registry import Registered, Registration, WatchFilter
from bridge.registry.bodies import MAX_BATCH
from bridge.web.dashboard.forms import NO_FORM, Form
from bridge.web.dashboard.guard import Ask
from bridge.web.dashboard.labels import REGISTRATION, Problem, problem_of
from bridge.web.dashboard.queries import chosen, cursor, searched
from bridge.web.problems import validate
from bridge.web.requestlog import caller

PAGE = 25
_MOST_NAMES = 100
_WATCH_ID = re.compile(r"watch_[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Told:
    """A destination of a watch and how telling it went; None: nothing to tell yet."""

    destination: DestinationView
    result: DeliveryStatus | None


@dataclass(frozen=True, slots=True)
class Row:
    """A watch with what is planned for it and what came of it."""

    watch: WatchView
    outlook: Outlook | None
    told: Sequence[Told]


@dataclass(frozen=True, slots=True)
class Query:
    """What the list is asked to show.

    :param text: an id of a watch or a video, or ``key=value`` of the metadata.
    """

    status: WatchStatus | None
    text: str
    provider: str | None
    after: str | None

    def link(self, **changed: str | None) -> str:
        """The query string of this list with something else changed."""
        fields = {"status": self.status, "q": self.text, "provider": self.provider, **changed}
        return urlencode({name: value for name, value in fields.items() if value})


async def list_watches(ask: Ask) -> Response:
    """The list."""
    return ask.page("watches", **await _listed(ask), **await _form(ask, _given(NO_FORM)))


async def register(ask: Ask) -> Response:
    """Register watches, one or many; each id is answered on its own."""
    ids = list(dict.fromkeys(ask.form.lines("video_ids")))
    try:
        bodies = _registrations(ask.form, ids)
        created_by = caller(ask.request.scope).key_name
        answers = await ask.desk.registry.register_many(bodies, created_by=created_by)
    except RequestError as error:
        return await _refused(ask, error)
    if len(answers) == 1 and isinstance(answers[0], RequestError):
        return await _refused(ask, answers[0])
    return await _result(ask, list(zip(ids, answers, strict=True)))


async def rows_of(ask: Ask, watches: Sequence[WatchView]) -> list[Row]:
    """Watches with their outlooks and results."""
    ids = [watch.id for watch in watches]
    outlooks = await ask.desk.registry.outlooks(ids)
    results = await ask.desk.insight.results(ids)
    return [
        Row(
            watch,
            outlooks.get(watch.id),
            [Told(each, results.get((watch.id, each.id))) for each in watch.destinations],
        )
        for watch in watches
    ]


async def _refused(ask: Ask, error: RequestError) -> Response:
    """The list again, its form as it was typed and with what is wrong."""
    form = await _form(ask, _given(ask.form), problem_of(error, REGISTRATION))
    return ask.page("watches", error.status, **await _listed(ask), **form)


async def _result(ask: Ask, answers: Sequence[tuple[str, Registered | RequestError]]) -> Response:
    """What became of each id. If some were refused, the form again, as it was typed for those."""
    refused = [(video_id, answer) for video_id, answer in answers if isinstance(answer, RequestError)]
    given = {**_given(ask.form), "video_ids": "\n".join(video_id for video_id, _ in refused)}
    registered = len(answers) - len(refused)
    return ask.page(
        "registered",
        200 if registered else refused[0][1].status,
        heading=_heading(registered, len(refused)),
        answers=[_answered(*each) for each in answers],
        refused=len(refused),
        **await _form(ask, given),
    )


def _heading(registered: int, refused: int) -> str:
    """What happened, in short."""
    counts = ((registered, "registered"), (refused, "refused"))
    return ", ".join(f"{count:,} {word}" for count, word in counts if count) if refused else "Registered"


async def _listed(ask: Ask) -> dict[str, Any]:
    query = _query(ask)
    page = await _page(ask, query)
    return {
        "rows": await rows_of(ask, page.items),
        "has_more": page.has_more,
        "query": query,
        "counts": await ask.desk.insight.watch_counts(),
        "statuses": list(WatchStatus),
    }


async def _form(ask: Ask, given: Mapping[str, Any], problem: Problem | None = None) -> dict[str, Any]:
    """What the form that registers shows.

    :param given: what stands in its fields.
    """
    names = await ask.desk.registry.destinations.page(PageRequest(_MOST_NAMES))
    return {
        "providers": list(ask.desk.providers),
        "amiss": await ask.desk.registry.amiss({name: each.base_url for name, each in ask.desk.providers.items()}),
        "destinations": names.items,
        "given": given,
        "problem": problem,
        "labels": REGISTRATION,
        "most": MAX_BATCH,
    }


def _query(ask: Ask) -> Query:
    params = ask.request.query_params
    provider = params.get("provider", "")
    return Query(
        chosen(params.get("status", ""), WatchStatus),
        searched(params.get("q", "")),
        provider if provider in ask.desk.providers else None,
        cursor(params.get("after", ""), "watch"),
    )


async def _page(ask: Ask, query: Query) -> Page[WatchView]:
    if _WATCH_ID.fullmatch(query.text):
        found = await ask.desk.registry.watches_by_id([query.text])
        return Page(list(found.values()), has_more=False)
    asked = PageRequest(PAGE, query.after)
    wanted = WatchFilter(query.status, video_id=query.text or None, provider=query.provider)
    page = await ask.desk.registry.watches(asked, wanted)
    name, equals, value = query.text.partition("=")
    if page.items or not equals:  # an id may have a "=", too
        return page
    pair = {name.strip(): value.strip()}
    return await ask.desk.registry.watches(asked, replace(wanted, video_id=None, metadata=pair))


def _registrations(form: Form, ids: Sequence[str]) -> list[Registration]:
    if not ids:
        raise InvalidRequestError("Give at least one video id, one per line.", param="video_ids")
    if len(ids) > MAX_BATCH:
        raise InvalidRequestError(f"Give at most {MAX_BATCH:,} video ids at once.", param="video_ids")
    fields = _common_fields(form)
    if len(ids) > 1 and "key" in fields:
        problem = "An idempotency key stands for one registration; leave it out for several ids."
        raise InvalidRequestError(problem, param="key")
    return [validate(Registration, {"video_id": each, **fields}) for each in ids]


def _common_fields(form: Form) -> dict[str, Any]:
    """What the registrations of one form have in common; empty fields are left out."""
    metadata = {}
    for line in form.lines("metadata"):
        name, equals, value = line.partition("=")
        if not equals:
            raise InvalidRequestError(f"Metadata is `name=value`, one per line; {line!r} has no `=`.", param="metadata")
        metadata[name.strip()] = value.strip()
    timeout = form.text("timeout")
    if timeout and not (timeout.isascii() and timeout.isdigit() and len(timeout) <= 9):
        raise InvalidRequestError("`timeout` is a whole number of seconds.", param="timeout")
    fields: Mapping[str, Any] = {
        "provider": form.text("provider"),
        "destinations": list(form.all("destinations")),
        "callback_url": form.text("callback_url"),
        "metadata": metadata,
        "key": form.text("key"),
        "timeout": int(timeout) if timeout else None,
    }
    return {name: value for name, value in fields.items() if value}


def _given(form: Form) -> dict[str, Any]:
    """What was typed, to be shown again."""
    names = ("video_ids", "provider", "callback_url", "metadata", "key", "timeout")
    return {name: form.raw(name) for name in names} | {"destinations": list(form.all("destinations"))}


def _answered(video_id: str, answer: Registered | RequestError) -> dict[str, Any]:
    if isinstance(answer, RequestError):
        problem = problem_of(answer, REGISTRATION).message
        return {"video_id": video_id, "watch": None, "created": False, "problem": problem}
    return {"video_id": video_id, "watch": answer.watch, "created": answer.created, "problem": None}
