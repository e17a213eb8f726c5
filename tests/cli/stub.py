"""A server that answers as the API says, from memory, for tests of its clients.

Tests fill :attr:`StubBridge.watches` and :attr:`StubBridge.deliveries`, set the course that a video takes from look to
look, let the next requests be refused, and read afterwards what was asked.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bridge.ids import new_id
from tests.cli.samples import SECRET, JsonObject, make_destination, make_watch
from tests.cli.stub_destinations import DestinationStub

CUT: JsonObject = {}
"""In a course: the stream ends although the watch goes on."""
OUTLOOK = "expected to end about 09:10:00 UTC"


@dataclass(frozen=True)
class Asked:
    """One request, as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


def error_object(message: str, kind: str = "invalid_request_error", param: str | None = None) -> JsonObject:
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}


def refusal(status: int, message: str = "No.", **headers: str) -> Response:
    return JSONResponse(error_object(message), status, headers)


class StubBridge:
    """The stub and its memory. ``url`` is where it listens, once it runs."""

    def __init__(self) -> None:
        self.url = ""
        self.api_key: str | None = None
        self.asked: list[Asked] = []
        self.watches: dict[str, JsonObject] = {}
        self.deliveries: dict[str, JsonObject] = {}
        self.courses: dict[str, list[JsonObject]] = {}
        self.streams = True
        self.next_answers: deque[Response | None] = deque()
        self.stored = DestinationStub()
        self.app = Starlette(
            routes=[
                Route("/v1/watches", self._respond(self._register), methods=["POST"]),
                Route("/v1/watches/batch", self._respond(self._register_batch), methods=["POST"]),
                Route("/v1/watches", self._respond(self._list_watches)),
                Route("/v1/watches/{id}/stream", self._respond(self._stream)),
                Route("/v1/watches/{id:path}/outlook", self._respond(self._outlook)),
                Route("/v1/watches/{id:path}", self._respond(self._watch)),
                Route("/v1/watches/{id:path}", self._respond(self._cancel), methods=["DELETE"]),
                *self.stored.routes(self._respond),
                Route("/v1/deliveries", self._respond(self._list_deliveries)),
                Route("/v1/deliveries/retry", self._respond(self._retry_failed), methods=["POST"]),
                Route("/v1/deliveries/{id}/retry", self._respond(self._retry), methods=["POST"]),
            ],
            exception_handlers={404: self._not_found},
        )

    def course(self, video_id: str, *steps: JsonObject) -> None:
        """Each look at a watch of this video changes it by the next of these."""
        self.courses.setdefault(video_id, []).extend(steps)

    def fail_after(self, good: int, answer: Response) -> None:
        """Answer so many requests as usual, and the next with this."""
        self.next_answers.extend([*[None] * good, answer])

    def add(self, *watches: JsonObject) -> None:
        self.watches |= {watch["id"]: watch for watch in watches}

    def _respond(self, answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            self.asked.append(
                Asked(
                    request.method,
                    request.scope["raw_path"].decode(),
                    dict(request.query_params),
                    json.loads(body) if body else None,
                    dict(request.headers),
                )
            )
            forced = self.next_answers.popleft() if self.next_answers else None
            if forced is not None:
                return forced
            if self.api_key is not None and request.headers.get("authorization") != f"Bearer {self.api_key}":
                return JSONResponse(error_object("No valid API key.", "authentication_error"), 401)
            response: Response = await answer(request)
            return response

        return endpoint

    async def _not_found(self, request: Request, _: Exception) -> Response:
        return JSONResponse(error_object("There is no such route.", "not_found_error"), 404)

    def _make(self, body: JsonObject) -> tuple[JsonObject, bool]:
        if body["video_id"].startswith("bad") or not body["video_id"].isprintable():
            return error_object("it cannot be a video id.", param="video_id"), False
        for watch in self.watches.values():
            if watch["video_id"] == body["video_id"]:
                return watch, False
        named = [each for each in body.get("destinations", []) if isinstance(each, str)]
        destinations = [make_destination(name=name, kind="slack") for name in named]
        watch = make_watch(id=new_id("watch"), video_id=body["video_id"], metadata=body.get("metadata", {}))
        watch["destinations"] = [*destinations, make_destination()]
        self.watches[watch["id"]] = watch
        return watch, True

    async def _register(self, request: Request) -> Response:
        watch, new = self._make(await request.json())
        if "error" in watch:
            return JSONResponse(watch, 400)
        return JSONResponse(_with_secret(watch), 201 if new else 200)

    async def _register_batch(self, request: Request) -> Response:
        made = [self._make(body)[0] for body in (await request.json())["watches"]]
        return JSONResponse({"object": "list", "data": [one if "error" in one else _with_secret(one) for one in made]})

    async def _list_watches(self, request: Request) -> Response:
        wanted = {name: request.query_params[name] for name in ("status", "video_id") if name in request.query_params}
        return _page(request, [row for row in self.watches.values() if wanted.items() <= row.items()])

    async def _watch(self, request: Request) -> Response:
        watch = self.watches.get(request.path_params["id"])
        if watch is None:
            return JSONResponse(error_object("There is no such watch.", "not_found_error"), 404)
        give_up = time.monotonic() + float(request.query_params.get("wait", 0))
        course = self.courses.setdefault(watch["video_id"], [])
        while not course and watch["status"] == "watching" and time.monotonic() < give_up:
            await asyncio.sleep(0.01)
        if course:
            watch.update(course.pop(0))
        return JSONResponse(watch)

    async def _outlook(self, request: Request) -> Response:
        outlook = {"object": "outlook", "watch_id": request.path_params["id"], "reason": OUTLOOK}
        return JSONResponse(outlook | {"next_look_at": 1, "expected_end_at": 2})

    async def _stream(self, request: Request) -> Response:
        watch = self.watches.get(request.path_params["id"])
        if watch is None or not self.streams:
            return JSONResponse(error_object("There is no such thing.", "not_found_error"), 404)
        return StreamingResponse(self._events(watch), media_type="text/event-stream")

    async def _events(self, watch: JsonObject) -> AsyncIterator[str]:
        """The watch as it is, then after each step of its course; the course may cut the connection."""
        course = self.courses.setdefault(watch["video_id"], [])
        while True:
            yield f": comment\n\nevent: progress\r\ndata: {json.dumps(watch)}\n\n"
            while not course and watch["status"] == "watching":
                await asyncio.sleep(0.01)
            if not course:
                return
            step = course.pop(0)
            if step is CUT:
                return
            watch.update(step)

    async def _cancel(self, request: Request) -> Response:
        watch = self.watches[request.path_params["id"]]
        if watch["status"] == "watching":
            watch.update(status="cancelled", ended_at=watch["created_at"] + 60)
        elif watch["status"] != "cancelled" and not watch["deliveries"]["pending"]:
            return JSONResponse(error_object("The watch has ended.", "conflict_error"), 409)
        return JSONResponse(watch)

    async def _list_deliveries(self, request: Request) -> Response:
        wanted = {name: request.query_params[name] for name in ("status", "watch_id") if name in request.query_params}
        return _page(request, [row for row in self.deliveries.values() if wanted.items() <= row.items()])

    async def _retry(self, request: Request) -> Response:
        delivery = self.deliveries[request.path_params["id"]]
        if delivery["status"] == "cancelled":
            return JSONResponse(error_object("The delivery is cancelled.", "conflict_error"), 409)
        return JSONResponse(delivery | {"status": "pending"}, 202)

    async def _retry_failed(self, request: Request) -> Response:
        since = (await request.json()).get("since", 0)
        failed = [one for one in self.deliveries.values() if one["status"] == "failed" and one["created_at"] >= since]
        return JSONResponse({"retried": len(failed)})


def _with_secret(watch: JsonObject) -> JsonObject:
    """The watch as the answer to a registration shows it."""
    destinations = [
        one | {"signing_secret": SECRET} if one["kind"] == "callback" else one for one in watch["destinations"]
    ]
    return watch | {"destinations": destinations}


def _page(request: Request, rows: list[JsonObject]) -> Response:
    limit = int(request.query_params.get("limit", 20))
    rows = sorted(rows, key=lambda row: str(row["id"]), reverse=True)
    after = request.query_params.get("after")
    rest = [row for row in rows if after is None or row["id"] < after]
    page = rest[:limit]
    ends = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return JSONResponse(
        {"object": "list", "data": page, "first_id": ends[0], "last_id": ends[1], "has_more": len(rest) > limit}
    )
