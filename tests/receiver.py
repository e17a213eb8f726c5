"""A receiver of callbacks that remembers everything and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """The payload, verified by the reference library; raises when the signature is wrong."""
        return Webhook(secret).verify(self.body, dict(self.headers))


class Receiver:
    """Answers 204 unless :attr:`answers` holds something for the next requests, or ``refuse`` returns an answer."""

    def __init__(self, refuse: Callable[[], Response | None] = lambda: None) -> None:
        self.received: list[Received] = []
        self.accepted: list[Received] = []
        self.refuse = refuse
        self.refuse_path: Callable[[str], Response | None] = lambda _path: None
        self.answers: deque[Response] = deque()
        self._came = asyncio.Condition()
        self.app = Starlette(routes=[Route("/{path:path}", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        received = Received(request.url.path, dict(request.headers), await request.body())
        answer = self.answers.popleft() if self.answers else self.refuse() or self.refuse_path(received.path)
        async with self._came:
            self.received.append(received)
            if answer is None:
                self.accepted.append(received)
            self._came.notify_all()
        return answer or Response(status_code=204)

    async def wait_for(self, number: int, timeout: float = 40.0) -> list[Received]:
        """What was received, once it is at least so many requests."""
        async with asyncio.timeout(timeout), self._came:
            await self._came.wait_for(lambda: len(self.received) >= number)
            return list(self.received)
