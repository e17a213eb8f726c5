"""A page of the simulator's list as JSON, true or with the quirks of other servers."""

from __future__ import annotations

import base64
from typing import Any

from bridge.models import Page, Video, VideoStatus
from bridge.simulator.settings import ListQuirk


def list_object(page: Page[Video], quirk: ListQuirk | None = None) -> dict[str, Any]:
    """The list object of the Videos API."""
    rows = [_row(video, quirk) for video in page.items]
    if quirk is ListQuirk.FILTERED:
        rows = []
    listed: dict[str, Any] = {"object": "list", "data": rows}
    if quirk is ListQuirk.NO_CURSORS:
        return listed
    first, last = (page.items[0].id, page.items[-1].id) if page.items else (None, None)
    return listed | {"first_id": first, "last_id": last, "has_more": page.has_more}


def _row(video: Video, quirk: ListQuirk | None) -> dict[str, Any]:
    row = video.as_dict()
    match quirk:
        case ListQuirk.OTHER_IDS:
            row["id"] = "video_" + base64.b64encode(f"litellm:video_id:{video.id}".encode()).decode()
        case ListQuirk.STALE:
            row |= {"status": VideoStatus.QUEUED.value, "progress": 0, "completed_at": None, "error": None}
        case ListQuirk.LYING:
            row |= {"status": VideoStatus.COMPLETED.value, "progress": 100}
        case _:
            pass
    return row
