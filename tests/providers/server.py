"""A provider on loopback that says what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.clock import Clock
from bridge.egress import AddressPolicy, Door
from bridge.providers.budget import Budget
from bridge.providers.openai import OpenAIProvider
from bridge.settings import ProviderSettings
from tests.clock import AutoClock
from tests.servers import running_server

KEY = "sk-a-key-nobody-may-see"


@dataclass(frozen=True)
class Answer:
    """One answer; a status of 0 closes the connection without one, ``cut`` breaks the body off."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


DONE = Answer(200, {"id": "video_1", "status": "completed"})


class Scripted:
    """Gives one answer after the other, the last one for ever, and remembers what it was asked.

    With ``gate`` set to an event nothing is answered until that is set.
    """

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[Request] = []
        self.gate: asyncio.Event | None = None
        self._answers = answers

    @property
    def paths(self) -> list[str]:
        """The paths asked for, as they came over the wire."""
        return [request.scope["raw_path"].decode() for request in self.asked]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.asked.append(Request(scope))
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        if self.gate is not None:
            await self.gate.wait()
        if answer.status == 0:
            scope["state"]["reset"]()
        elif answer.cut:
            await self._break_off(answer, scope, send)
        else:
            await Response(answer.content, answer.status, answer.headers)(scope, receive, send)

    async def _break_off(self, answer: Answer, scope: Scope, send: Send) -> None:
        headers = [(b"content-length", str(len(answer.content) + 10).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content, "more_body": True})
        await asyncio.sleep(0.02)  # so that the bytes leave before the connection goes
        scope["state"]["reset"]()


@dataclass
class Setup:
    """A provider under test, the server behind it, the clock it sleeps on and the kinds of requests it counted."""

    provider: OpenAIProvider
    server: Scripted
    clock: AutoClock
    requests: list[str]


@asynccontextmanager
async def asking(
    *answers: Answer,
    timeout: float = 30.0,
    policy: AddressPolicy | None = None,
    clock: Clock | None = None,
    **config: object,
) -> AsyncIterator[Setup]:
    """A provider whose server gives these answers; ``config`` is what an operator would set for it."""
    server, auto, requests = Scripted(*(answers or [DONE])), AutoClock(), list[str]()
    fields = {"name": "sim", "api_key": SecretStr(KEY), "rate": 1000.0, **config}
    async with running_server(server) as url:
        settings = ProviderSettings.model_validate({**fields, "base_url": f"{url}/v1"})
        door = Door(policy or AddressPolicy(anywhere=True))
        budget = Budget(settings.rate, clock or auto)
        provider = OpenAIProvider(settings, door, budget, clock or auto, timeout=timeout, on_request=requests.append)
        try:
            yield Setup(provider, server, auto, requests)
        finally:
            await provider.aclose()
            await door.aclose()
