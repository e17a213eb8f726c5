"""The files of finished videos: ``GET {base_url}/videos/{video_id}/content``, passed on as they come.

They are large, so they are never held whole; and a stranger's server made them, so nothing but films and pictures is
taken: a page of HTML sent on from here would be a page of ours.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

from bridge.egress import Door, OutgoingRequest
from bridge.errors import EgressError, FileUnavailableError, NoFile
from bridge.files import Content, Variant
from bridge.providers.openai import request_headers
from bridge.settings import ProviderSettings

HEAD_TIMEOUT = 30.0
"""How long the provider may take to begin its answer, seconds."""

IDLE_TIMEOUT = 30.0
"""How long it may then be silent, seconds."""

# By the kind of file, what browsers show of it; a picture in SVG may hold scripts and is not among them.
_TYPES = {
    Variant.VIDEO: re.compile(r"video/[a-z0-9.+-]+"),
    Variant.THUMBNAIL: re.compile(r"image/(webp|jpeg|png|gif|avif)"),
}
_USUAL = {Variant.VIDEO: "video/mp4", Variant.THUMBNAIL: "image/webp"}
# What some servers call every file.
_ANY_BYTES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/binary"})
_PASSED_ON = ("content-length", "content-range", "accept-ranges", "etag", "last-modified")


class ContentSource:
    """The files of one provider's videos.

    :param door: how requests leave; closing it is its maker's business.
    """

    def __init__(self, config: ProviderSettings, door: Door) -> None:
        self._base_url = config.base_url
        self._query = config.query
        self._headers = request_headers(config) | {"accept": "*/*"}
        self._door = door

    @asynccontextmanager
    async def open(
        self, video_id: str, variant: Variant, part: Mapping[str, str] | None = None
    ) -> AsyncIterator[Content]:
        """The file for as long as the block lasts.

        :param part: the headers ``range`` and ``if-range`` of who asks for a part of it.
        :raises FileUnavailableError: there is none to be had.
        """
        request = OutgoingRequest("GET", self._url(video_id, variant), {**self._headers, **(part or {})})
        try:
            async with self._door.stream(request, timeout=HEAD_TIMEOUT, idle=IDLE_TIMEOUT) as reply:
                yield _judged(reply.status, reply.headers, variant, reply.chunks)
        except EgressError as error:
            raise FileUnavailableError(NoFile.TROUBLE, str(error)) from error

    def _url(self, video_id: str, variant: Variant) -> str:
        query = dict(self._query)
        if variant is not Variant.VIDEO:  # which is the default, and servers without a choice know no parameter
            query["variant"] = variant.value
        url = f"{self._base_url}/videos/{quote(video_id, safe='')}/content"
        return f"{url}?{urlencode(query)}" if query else url


def _judged(status: int, headers: Mapping[str, str], variant: Variant, chunks: AsyncIterator[bytes]) -> Content:
    if status in (401, 403):
        raise FileUnavailableError(NoFile.REFUSED, f"HTTP {status}")
    if status not in (200, 206, 416):
        missing = status in (400, 404, 409, 410, 422)  # vLLM-Omni: 422 for a failed job; SGLang: 400 for one in S3
        raise FileUnavailableError(NoFile.MISSING if missing else NoFile.TROUBLE, f"HTTP {status}")
    said = headers.get("content-type", "").partition(";")[0].strip().lower()
    media_type = _USUAL[variant] if said in _ANY_BYTES or status == 416 else said
    if not _TYPES[variant].fullmatch(media_type) or headers.get("content-encoding", "identity") != "identity":
        raise FileUnavailableError(NoFile.MISSING, f"a reply of the type {said[:80]}")
    kept = {name: headers[name] for name in _PASSED_ON if name in headers}
    return Content(status, media_type, kept, chunks)
