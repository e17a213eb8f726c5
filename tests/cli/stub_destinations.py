"""The part of the stub server that is about destinations and providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.cli.samples import SECRET, JsonObject, make_attempt, make_provider, make_stored


class DestinationStub:
    """Destinations and providers in memory; ``attempt`` is what a test comes to, ``used`` what is not deleted."""

    def __init__(self) -> None:
        self.known: dict[str, JsonObject] = {}
        self.providers: list[JsonObject] = [make_provider()]
        self.attempt = make_attempt(trigger="test")
        self.used: set[str] = set()

    def add(self, *stored: JsonObject) -> None:
        self.known |= {each["name"]: each for each in stored}

    def routes(self, respond: Callable[[Any], Any]) -> list[Route]:
        one = "/v1/destinations/{name}"
        return [
            Route("/v1/destinations", respond(self._create), methods=["POST"]),
            Route("/v1/destinations", respond(self._list)),
            Route(one, respond(self._show)),
            Route(one, respond(self._change), methods=["PATCH"]),
            Route(one, respond(self._delete), methods=["DELETE"]),
            Route(f"{one}/test", respond(self._test), methods=["POST"]),
            Route(f"{one}/rotate", respond(self._rotate), methods=["POST"]),
            Route("/v1/providers", respond(self._providers)),
        ]

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        if body["name"] in self.known:
            return _refusal(409, "The name is taken.", "conflict_error", "name")
        made = make_stored(name=body["name"], kind=body["kind"], default=body.get("default", False))
        self.add(made)
        return JSONResponse(made | ({"signing_secret": SECRET} if made["kind"] == "callback" else {}), 201)

    async def _list(self, request: Request) -> Response:
        rows = sorted(self.known.values(), key=lambda each: str(each["id"]), reverse=True)
        ends = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return JSONResponse(
            {"object": "list", "data": rows, "first_id": ends[0], "last_id": ends[1], "has_more": False}
        )

    async def _show(self, request: Request) -> Response:
        stored = self._find(request)
        return _unknown() if stored is None else JSONResponse(stored)

    async def _change(self, request: Request) -> Response:
        stored = self._find(request)
        if stored is None:
            return _unknown()
        enabled = (await request.json())["enabled"]
        stored |= {"enabled": enabled, "disabled_reason": None if enabled else "manual"}
        return JSONResponse(stored)

    async def _delete(self, request: Request) -> Response:
        stored = self._find(request)
        if stored is None:
            return _unknown()
        if stored["name"] in self.used and "force" not in request.query_params:
            return _refusal(409, "It is needed. With `?force=true` it is deleted all the same.", "conflict_error")
        return JSONResponse({"id": stored["id"], "object": "destination", "deleted": True})

    async def _test(self, request: Request) -> Response:
        return _unknown() if self._find(request) is None else JSONResponse(self.attempt)

    async def _rotate(self, request: Request) -> Response:
        stored = self._find(request)
        return _unknown() if stored is None else JSONResponse(stored | {"signing_secret": SECRET})

    async def _providers(self, _: Request) -> Response:
        page = {"object": "list", "data": self.providers, "first_id": "openai", "last_id": "openai", "has_more": False}
        return JSONResponse(page)

    def _find(self, request: Request) -> JsonObject | None:
        return self.known.get(request.path_params["name"])


def _unknown() -> Response:
    return _refusal(404, "There is no such destination.", "not_found_error")


def _refusal(status: int, message: str, kind: str, param: str | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": None}}, status)
