"""The simulator's routes: the Videos API under ``/v1``."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.clock import Clock
from bridge.errors import AuthenticationError, InvalidRequestError, NotFoundError, RequestError
from bridge.ids import new_id
from bridge.models import Video, VideoStatus
from bridge.simulator.answers import error_object, refusal, refused, respond
from bridge.simulator.bodies import read_body, read_order, read_page, read_remix
from bridge.simulator.lists import list_object
from bridge.simulator.settings import SimulatorSettings
from bridge.simulator.state import SeenRequest, Simulator

_FILES = Path(__file__).resolve().parent / "files"
_VARIANTS = {
    "video": ("video.mp4", "video/mp4"),
    "thumbnail": ("thumbnail.webp", "image/webp"),
    "spritesheet": ("spritesheet.jpg", "image/jpeg"),
}


def create_simulator(settings: SimulatorSettings, clock: Clock) -> Starlette:
    """An ASGI app that speaks the Videos API under ``/v1``; ``app.state.simulator`` is its :class:`Simulator`."""
    simulator = Simulator(settings, clock)
    routes = _Routes(simulator)
    videos = [
        Route("/videos", routes.create, methods=["POST"]),
        Route("/videos", routes.list, methods=["GET"]),
        Route("/videos/{video_id}", routes.retrieve, methods=["GET"]),
        Route("/videos/{video_id}", routes.delete, methods=["DELETE"]),
        Route("/videos/{video_id}/remix", routes.remix, methods=["POST"]),
        Route("/videos/{video_id}/content", routes.content, methods=["GET"]),
    ]
    app = Starlette(
        routes=[Mount("/v1", routes=videos)],
        middleware=[Middleware(_Door, simulator=simulator)],
        exception_handlers={RequestError: _refused, HTTPException: _http_error},
    )
    app.state.simulator = simulator
    return app


class _Door:
    """Every request passes here: it is noted, its key is checked, and its response gets an ``x-request-id``."""

    def __init__(self, app: ASGIApp, simulator: Simulator) -> None:
        self._app = app
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = scope["raw_path"].decode("ascii")
        query = scope["query_string"].decode("latin-1")
        now = self._simulator.clock.monotonic()
        self._simulator.record(SeenRequest(scope["method"], path, query, dict(headers), now))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = new_id("req")
            await send(message)

        answer: ASGIApp = self._app if self._admits(headers) else refused(_wrong_key())
        # Routed by the path as sent: an id is one segment, even with an encoded slash in it.
        await answer({**scope, "path": path}, receive, send_with_id)

    def _admits(self, headers: Headers) -> bool:
        key = self._simulator.settings.api_key
        if key is None:
            return True
        given = (headers.get("authorization", ""), f"Bearer {headers.get('api-key', '')}")
        return any(hmac.compare_digest(one.encode(), f"Bearer {key}".encode()) for one in given)


class _Routes:
    """One method per route."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def create(self, request: Request) -> Response:
        video = self._simulator.create(read_order(await read_body(request)))
        return JSONResponse(video.as_dict())

    async def remix(self, request: Request) -> Response:
        source = self._simulator.video(_video_id(request))
        if source.status is not VideoStatus.COMPLETED:
            raise InvalidRequestError("Only a completed video can be remixed.", param="video_id")
        video = self._simulator.create(read_remix(await read_body(request), source))
        return JSONResponse(video.as_dict())

    async def retrieve(self, request: Request) -> Response:
        simulator, video_id = self._simulator, _video_id(request)
        instead = simulator.retrieve_answer(video_id)
        if instead is not None:
            return respond(instead, simulator.settings, simulator.clock)
        return JSONResponse(simulator.video(video_id).as_dict(), headers=self._poll_after())

    async def list(self, request: Request) -> Response:
        simulator = self._simulator
        instead = simulator.list_answer()
        if instead is not None:
            return respond(instead, simulator.settings, simulator.clock)
        if simulator.settings.list_refusal is not None:
            return refusal(simulator.settings.list_refusal, simulator.settings)
        page = simulator.page(read_page(request.query_params))
        return JSONResponse(list_object(page, simulator.settings.list_quirk), headers=self._poll_after())

    async def delete(self, request: Request) -> Response:
        video_id = _video_id(request)
        self._simulator.delete(video_id)
        return JSONResponse({"id": video_id, "object": "video.deleted", "deleted": True})

    async def content(self, request: Request) -> Response:
        video = self._simulator.video(_video_id(request))
        variant = request.query_params.get("variant", "video")
        if variant not in _VARIANTS:
            raise InvalidRequestError(f"'variant' must be one of {', '.join(_VARIANTS)}.", param="variant")
        self._refuse_without_content(video)
        name, media_type = _VARIANTS[variant]
        return FileResponse(_FILES / name, media_type=media_type)

    def _refuse_without_content(self, video: Video) -> None:
        if video.error is not None:
            message = f"The video failed: {video.error.message}"
            raise InvalidRequestError(message, param="video_id", code=video.error.code)
        if video.expires_at is None:
            message = f"The video is not ready yet, its status is {video.status}."
            raise NotFoundError(message, param="video_id", code="video_not_ready")
        if self._simulator.clock.now() >= video.expires_at:
            raise NotFoundError("The video's files have expired.", param="video_id", code="video_expired")

    def _poll_after(self) -> dict[str, str]:
        poll_after = self._simulator.settings.poll_after
        return {} if poll_after is None else {"openai-poll-after-ms": str(round(poll_after * 1000))}


def _video_id(request: Request) -> str:
    return unquote(request.path_params["video_id"])


def _wrong_key() -> RequestError:
    return AuthenticationError("Incorrect API key provided.", code="invalid_api_key")


async def _refused(request: Request, error: Exception) -> Response:
    return refused(cast(RequestError, error))


async def _http_error(request: Request, error: Exception) -> Response:
    refusal = cast(HTTPException, error)
    return error_object(refusal.status_code, refusal.detail, headers=refusal.headers)
