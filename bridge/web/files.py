"""``GET /media/{token}``: a video's file for whoever has the link, or a page that says why there is none."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from bridge.errors import EgressError, FileUnavailableError, NoFile
from bridge.files import Content, FoundFile, suffix_of
from bridge.logs import get_logger
from bridge.web.docs import security_headers

RETRY_AFTER = 60
_PAGE = "web/file.html"
_STYLE = "web/file.css"
# One range of bytes (RFC 9110, section 14.1.2): several at once would be answered in parts, which no player asks for.
_RANGE = re.compile(r"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})")
_LONGEST_VALIDATOR = 500

# What a browser may do with a file: show it where it is, be seen in other people's mail, and nothing else. (Not
# `sandbox`: in it a film has no origin and may not even load itself.)
_HEADERS = {
    "content-security-policy": "default-src 'none'; media-src 'self'; img-src 'self'",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}

_log = get_logger("bridge.web")


class MediaService(Protocol):
    """What is asked of :class:`bridge.media.MediaDesk`."""

    async def find(self, token: str) -> FoundFile:
        """The file of a link."""
        ...

    def open(self, found: FoundFile, part: Mapping[str, str]) -> AbstractAsyncContextManager[Content]:
        """A provider's file for as long as the block lasts."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a person is told instead of the file."""

    status: int
    title: str
    text: str
    retry: bool = False


REFUSALS: Mapping[NoFile, Refusal] = {
    NoFile.UNKNOWN: Refusal(404, "This link leads nowhere", "Part of it may be missing: copy all of it and try again."),
    NoFile.EXPIRED: Refusal(
        410,
        "This file is no longer here",
        "Servers that make videos keep the files for a short time, often an hour, and links from here last a few days. "
        "Whoever runs this bridge can keep files longer (BRIDGE_ARCHIVE_DIR).",
    ),
    NoFile.MISSING: Refusal(404, "There is no such file", "The server that made the video has no such file of it."),
    NoFile.REFUSED: Refusal(
        502, "The file cannot be had now", "The server that made the video does not give it to this bridge.", retry=True
    ),
    NoFile.TROUBLE: Refusal(
        502, "The file cannot be had now", "The server that made the video does not answer. Try again soon.", retry=True
    ),
    NoFile.BUSY: Refusal(503, "Too many are watching", "Try again in a minute.", retry=True),
}


class FilePages:
    """The route and its pages.

    :param folders: where templates are looked for; earlier ones win.
    """

    def __init__(self, media: MediaService, folders: Sequence[Path]) -> None:
        self._media = media
        loader = FileSystemLoader(folders)
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        style, *_ = loader.get_source(environment, _STYLE)
        self._style = Markup(style)  # noqa: S704 - our own file, not what somebody sent
        self._page = environment.get_template(_PAGE)
        self._page_headers = security_headers(style) | {"cache-control": "no-store", "x-robots-tag": "noindex"}

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("/media/{token}", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """Answer with the file, a part of it, or a page that says why not."""
        try:
            found = await self._media.find(request.path_params["token"])
            if found.path is not None:
                return self._kept(found, found.path)
            return await self._passed_on(request, found)
        except FileUnavailableError as error:
            return self._refused(error)

    def _kept(self, found: FoundFile, path: Path) -> Response:
        media_type = found.media_type or "application/octet-stream"
        return FileResponse(
            path,
            media_type=media_type,
            filename=found.name + suffix_of(media_type),
            content_disposition_type="inline",
            headers={**_HEADERS, "cache-control": "private, max-age=86400, immutable"},
        )

    async def _passed_on(self, request: Request, found: FoundFile) -> Response:
        async with AsyncExitStack() as stack:
            content = await stack.enter_async_context(self._media.open(found, _part(request)))
            headers = {
                **_HEADERS,
                **content.headers,
                "content-type": content.media_type,
                "content-disposition": f'inline; filename="{found.name}{suffix_of(content.media_type)}"',
                "cache-control": "private, max-age=300",
            }
            if request.method == "HEAD":
                return Response(status_code=content.status, headers=headers)
            body = _until_sent(content.chunks, stack.pop_all(), found)
            return StreamingResponse(body, content.status, headers)

    def _refused(self, error: FileUnavailableError) -> Response:
        if error.why in (NoFile.REFUSED, NoFile.TROUBLE):
            _log.warning("file_not_passed_on", watch=error.watch_id, why=error.why.value, detail=error.detail)
        refusal = REFUSALS[error.why]
        page = self._page.render(refusal=refusal, style=self._style, watch_id=error.watch_id)
        headers = {**self._page_headers, **({"retry-after": str(RETRY_AFTER)} if refusal.retry else {})}
        return Response(page, refusal.status, headers, media_type="text/html")


async def _until_sent(chunks: AsyncIterator[bytes], stack: AsyncExitStack, found: FoundFile) -> AsyncIterator[bytes]:
    """The chunks of a file; then, or when the client leaves, everything is let go of.

    :raises EgressError: the provider broke off. The connection is closed, so that nobody takes the half for the whole.
    """
    async with stack:
        try:
            async for chunk in chunks:
                yield chunk
        except EgressError as error:
            _log.warning("file_broke_off", watch=found.watch_id, reason=error.reason.value)
            raise


def _part(request: Request) -> dict[str, str]:
    """Which part of a file is asked for."""
    wanted = request.headers.get("range", "")
    if not _RANGE.fullmatch(wanted):
        return {}
    same = request.headers.get("if-range", "")
    return {"range": wanted} | ({"if-range": same} if same and len(same) <= _LONGEST_VALIDATOR else {})
