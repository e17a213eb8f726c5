"""An operation of the API: its route and its description in one value, so that none exists without the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router

from bridge.web.queries import NoQuery
from bridge.web.services import Services

V1 = "/v1"

Endpoint = Callable[[Services, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers when it does what was asked.

    ``model`` is None where the body is no JSON, ``media_type`` where there is no body.
    """

    status: int
    description: str
    model: type[BaseModel] | None = None
    example: Mapping[str, Any] | None = None
    media_type: str | None = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    :param name: unique; the document's ``operationId``.
    :param group: the heading it stands under.
    :param signed: whether its requests show who they are by a signature.
    :param refusals: statuses of refusals beyond those every keyed operation can give.
    """

    method: str
    path: str
    name: str
    group: str
    summary: str
    description: str
    endpoint: Endpoint
    answers: Sequence[Answer]
    refusals: Sequence[int] = ()
    query: type[NoQuery] = NoQuery
    body: type[BaseModel] | None = None
    body_example: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    signed: bool = False

    @property
    def keyed(self) -> bool:
        """Whether an API key is asked for: everything under ``/v1`` but what is signed instead."""
        return self.path.startswith(f"{V1}/") and not self.signed


def routes(
    operations: Sequence[Operation], services: Services, guard: Sequence[Middleware], closed: Collection[str] = ()
) -> list[BaseRoute]:
    """The routes of ``operations``; those under ``/v1``, and every path there that is no route, behind ``guard``.

    :param closed: further paths that are.
    """
    is_open = [operation for operation in operations if not operation.keyed]
    # Signed ones, too: for a method that they do not take nothing above matches.
    below = [operation for operation in operations if operation.path.startswith(f"{V1}/")]
    inner = Router(_paths(below, services, V1), redirect_slashes=False)
    return [*_paths(is_open, services, "", guard, closed), Mount(V1, app=inner, middleware=guard)]


def _paths(
    operations: Sequence[Operation],
    services: Services,
    prefix: str,
    guard: Sequence[Middleware] = (),
    closed: Collection[str] = (),
) -> list[Route]:
    """One route per path, so that a refused method learns of all the others."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path.removeprefix(prefix), {})[operation.method] = operation
    return [
        Route(
            path, _dispatch(methods, services), methods=list(methods), middleware=list(guard) if path in closed else []
        )
        for path, methods in by_path.items()
    ]


def _dispatch(methods: Mapping[str, Operation], services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await methods[method].endpoint(services, request)

    return endpoint
