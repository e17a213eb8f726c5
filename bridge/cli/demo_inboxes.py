"""Where the demo sends messages for people: a Slack channel and a mailbox on this machine, which show what comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.cli.client import JsonObject
from bridge.cli.output import plain
from bridge.notifiers.slack_preview import preview

SLACK_PATH = "/services/T0DEMO/B0DEMO/demo"
MAIL_PATH = "/mail"
ADDRESS = "you@example.com"

_FIRST_LINES = 3


class DemoInboxes:
    """A channel that answers as Slack does, and a hook that takes the flat body of a mail.

    :param console: where each message is shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._came = Counter[str]()
        self._news = asyncio.Condition()
        self.app = Starlette(
            routes=[
                Route(SLACK_PATH, self._take_message, methods=["POST"]),
                Route(MAIL_PATH, self._take_mail, methods=["POST"]),
            ]
        )

    async def told(self, number: int) -> None:
        """Return once so many messages and so many mails have come."""
        async with self._news:
            await self._news.wait_for(lambda: min(self._came[SLACK_PATH], self._came[MAIL_PATH]) >= number)

    async def _take_message(self, request: Request) -> Response:
        self._show("Slack", preview(await request.body()).splitlines())
        await self._count(request)
        return PlainTextResponse("ok")

    async def _take_mail(self, request: Request) -> Response:
        mail: JsonObject = await request.json()
        text = [line for line in mail["text"].splitlines() if line]
        self._show("mail", [f"To: {mail['to']}", f"Subject: {mail['subject']}", *text[:_FIRST_LINES], "…"])
        await self._count(request)
        return Response(status_code=202)

    def _show(self, name: str, lines: Iterable[str]) -> None:
        for index, line in enumerate(lines):
            margin = f"{name:>6} ▏" if index == 0 else "       ▏"
            shown = Text.assemble((margin, "cyan"), f" {plain(line)}")
            self._console.print(shown, no_wrap=True, overflow="ellipsis")

    async def _count(self, request: Request) -> None:
        async with self._news:
            self._came[request.url.path] += 1
            self._news.notify_all()


def message_destinations(base_url: str) -> list[JsonObject]:
    """Both inboxes, as destinations of a registration."""
    return [
        {"kind": "slack", "url": f"{base_url}{SLACK_PATH}"},
        {"kind": "email-webhook", "preset": "flat", "url": f"{base_url}{MAIL_PATH}", "to": [ADDRESS]},
    ]
