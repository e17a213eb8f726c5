"""The answer to a batch of registrations, written as text.

A thousand watches are shown, and most of them tell the same few destinations. As one value for the JSON encoder that
costs as much as a quarter of registering them; here each destination is written once and its text put wherever it is
told. A watch reads as :func:`bridge.web.views.registered_watch` shows it.
"""

from __future__ import annotations

import json

from starlette.responses import Response

from bridge.errors import RequestError
from bridge.models import DestinationView
from bridge.registry import Registered
from bridge.web import views
from bridge.web.errors import body_of

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class BatchWriter:
    """Writes the entries of one answer, each a JSON object."""

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._destinations: dict[str, str] = {}

    def add(self, answer: Registered | RequestError) -> None:
        """Write the next entry: the watch, or what registering it alone would have been refused with."""
        if isinstance(answer, RequestError):
            self._entries.append(_encode(body_of(answer)))
            return
        told = ",".join([self._destination(each) for each in answer.watch.destinations])
        watch = _encode(views.watch_fields(answer.watch)).removesuffix("}")
        self._entries.append(f'{watch},"destinations":[{told}]}}')

    def response(self) -> Response:
        """The whole answer."""
        text = f'{{"object":"list","data":[{",".join(self._entries)}]}}'
        return Response(text, 200, {"cache-control": "no-store"}, media_type="application/json")

    def _destination(self, view: DestinationView) -> str:
        written = self._destinations.get(view.id)
        if written is None:
            written = self._destinations[view.id] = _encode(views.registered_destination_fields(view))
        return written
