"""What the pages take for granted: servers that make videos, take callbacks, and stand in for Slack and for mail."""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

JsonObject = dict[str, Any]


class AnyVideo:
    """A provider that knows every id: in progress at the first look, completed at the next; `slow` ones go on."""

    def __init__(self) -> None:
        self.videos: dict[str, JsonObject] = {}
        self.app = Starlette(
            routes=[
                Route("/v1/videos", self._list),
                Route("/v1/videos/{id}", self._look),
                Route("/v1/videos/{id}/content", self._content),
            ]
        )

    async def _look(self, request: Request) -> Response:
        now, video_id = int(time.time()), request.path_params["id"]
        video = self.videos.get(video_id)
        if video is None:
            video = {"id": video_id, "object": "video", "model": "sora-2", "status": "in_progress", "progress": 40}
            self.videos[video_id] = video | {"created_at": now, "seconds": "4", "size": "1280x720"}
            return JSONResponse(self.videos[video_id])
        if video["status"] != "completed" and "slow" not in video_id:
            video |= {"status": "completed", "progress": 100, "completed_at": now, "expires_at": now + 3600}
        return JSONResponse(video)

    async def _list(self, request: Request) -> Response:
        rows = list(reversed(self.videos.values()))
        ends = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return JSONResponse(
            {"object": "list", "data": rows, "first_id": ends[0], "last_id": ends[1], "has_more": False}
        )

    async def _content(self, request: Request) -> Response:
        return Response(b"a film", media_type="video/mp4")


class Inbox:
    """Takes every POST, remembers it, and answers as one kind of receiver does."""

    def __init__(self, answer: Response) -> None:
        self.received: list[tuple[str, Any]] = []
        self._answer = answer
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.received.append((request.url.path, json.loads(await request.body())))
        return self._answer


class Surroundings:
    """The servers and, once they run, their URLs by the same names."""

    def __init__(self) -> None:
        self.provider = AnyVideo()
        self.receiver = Inbox(Response(status_code=204))
        self.slack = Inbox(PlainTextResponse("ok"))
        self.mail = Inbox(JSONResponse({"id": "mail_1"}))
        self.urls: dict[str, str] = {}

    @property
    def apps(self) -> dict[str, ASGIApp]:
        """Every server by its name."""
        return {
            "provider": self.provider.app,
            "receiver": self.receiver.app,
            "slack": self.slack.app,
            "mail": self.mail.app,
        }
