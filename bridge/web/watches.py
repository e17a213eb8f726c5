"""The endpoints about watches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import InvalidRequestError, NotFoundError, RequestError
from bridge.registry import Batch, Registration, WatchFilter
from bridge.registry.bodies import MAX_BATCH
from bridge.web import views
from bridge.web.batches import BatchWriter
from bridge.web.bodies import MAX_BATCH_BODY, read, read_model
from bridge.web.problems import no_such, validate
from bridge.web.queries import NoQuery, WaitQuery, WatchQuery, read_query
from bridge.web.requestlog import caller
from bridge.web.services import Services
from bridge.web.stream import WatchStream, heard_the_end
from bridge.web.strictjson import check_text, holds_only_storable, parse
from bridge.web.waiting import wait_for_end

_WATCH_ID = re.compile(r"watch_[0-9A-Za-z_-]{1,64}")
_LONGEST_KEY = 255
# After so many entries of a batch other requests have their turn.
_BREATH = 100


class _Envelope(BaseModel):
    """A batch whose entries are still to be looked at, each on its own."""

    model_config = ConfigDict(extra="forbid")

    watches: list[Any] = Field(min_length=1, max_length=MAX_BATCH)


async def register(services: Services, request: Request) -> Response:
    """Register one watch: 201, or 200 when it is there already."""
    read_query(request, NoQuery)
    body = with_header_key(await read_model(request, Registration), request)
    registered = await services.registry.register(body, created_by=caller(request.scope).key_name)
    watch = registered.watch
    headers = {"location": f"/v1/watches/{watch.id}"}
    return views.json_response(views.registered_watch(watch), 201 if registered.created else 200, headers)


async def register_batch(services: Services, request: Request) -> Response:
    """Register several watches; each is answered on its own."""
    read_query(request, NoQuery)
    bodies = await read(request, MAX_BATCH_BODY, _registrations)
    good = [body for body in bodies if isinstance(body, Registration)]
    created_by = caller(request.scope).key_name
    answers = iter(await services.registry.register_many(good, created_by=created_by) if good else ())
    writer = BatchWriter()
    for number, body in enumerate(bodies):
        if number % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
        writer.add(next(answers) if isinstance(body, Registration) else body)
    return writer.response()


async def list_watches(services: Services, request: Request) -> Response:
    """One page of watches."""
    query = read_query(request, WatchQuery)
    chosen = WatchFilter(query.status, query.video_id, query.provider, query.metadata)
    return views.json_response(views.watch_list(await services.registry.watches(query.page, chosen)))


async def show(services: Services, request: Request) -> Response:
    """One watch, at once or when it has ended."""
    query = read_query(request, WaitQuery)
    watch_id = _watch_id(request)
    if query.wait:
        watch = await wait_for_end(services, request, watch_id, query.wait)
    else:
        watch = await services.registry.watch(watch_id)
    return views.json_response(views.watch(watch))


async def outlook(services: Services, request: Request) -> Response:
    """When a watch's video is looked at next, and why."""
    read_query(request, NoQuery)
    watch_id = _watch_id(request)
    found = await services.registry.outlooks([watch_id])
    if watch_id not in found:
        raise NotFoundError(f"There is no watch {watch_id!r}.", param="id")
    return views.json_response(views.outlook(watch_id, found[watch_id]))


async def stream(services: Services, request: Request) -> Response:
    """One watch as server-sent events."""
    read_query(request, NoQuery)
    watch = await services.registry.watch(_watch_id(request))
    last_id = request.headers.get("last-event-id")
    if heard_the_end(watch, last_id):
        return Response(status_code=204, headers={"cache-control": "no-store"})
    place = ExitStack()
    place.enter_context(services.streams.one(caller(request.scope).key_id))
    return WatchStream(watch, last_id, services.changes, services.readiness, place, services.events)


async def cancel(services: Services, request: Request) -> Response:
    """Cancel a watch."""
    read_query(request, NoQuery)
    return views.json_response(views.watch(await services.registry.cancel(_watch_id(request))))


def with_header_key(body: Registration, request: Request) -> Registration:
    """The registration with the key from its ``Idempotency-Key`` header, if there is one.

    :raises InvalidRequestError: the header is no key, or the body names another.
    """
    raw = set(request.headers.getlist("idempotency-key"))
    _check_key(body)
    if not raw:
        return body
    key = _header_text(raw.pop())
    if raw or (body.key is not None and body.key != key):
        raise InvalidRequestError(
            "The header Idempotency-Key and the field `key` are different; send one of them.",
            param="key",
            code="ambiguous_key",
        )
    return body.model_copy(update={"key": key})


def _check_key(body: Registration) -> None:
    if body.key is not None and not body.key.isprintable():
        raise InvalidRequestError("`key` may have only printable characters.", param="key", code="invalid_text")


def _header_text(value: str) -> str:
    """A header's value as a key. Servers hand headers over as Latin-1, clients send them as UTF-8."""
    try:
        key = value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        key = ""
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        raise InvalidRequestError(
            f"The header Idempotency-Key must have 1 to {_LONGEST_KEY} printable characters.",
            param="Idempotency-Key",
            code="invalid_value",
        )
    return key


def _registrations(raw: bytes) -> Sequence[Registration | RequestError]:
    """The entries of a batch, those that cannot be used as the error that says why."""
    value = parse(raw)
    storable = holds_only_storable(raw)  # of all entries at once, or one by one
    if storable:
        with suppress(ValidationError):  # something is wrong: what, and with which entries, is found out below
            return [_keyed(body) for body in Batch.model_validate(value).watches]
    return [_registration(entry, storable) for entry in validate(_Envelope, value).watches]


def _registration(entry: Any, storable: bool) -> Registration | RequestError:
    try:
        if not storable:
            check_text(entry)
        return _keyed(validate(Registration, entry))
    except RequestError as error:
        return error


def _keyed(body: Registration) -> Registration | RequestError:
    try:
        _check_key(body)
    except RequestError as error:
        return error
    return body


def _watch_id(request: Request) -> str:
    """The id in the path; one that cannot be a watch's is not asked for in the database."""
    watch_id: str = request.path_params["watch_id"]
    if not _WATCH_ID.fullmatch(watch_id):
        raise no_such("watch", watch_id, "watch_")
    return watch_id
