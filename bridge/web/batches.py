"""The answer to a batch of registrations, written as text.

A thousand watches are shown, and most of them tell the same few destinations. Made of values and written by `json` that
cost as much as a quarter of registering them. Here each destination is written once and its text put wherever it is
told, and what is left is written by pydantic's own encoder, in a quarter of the time. A watch reads as
:func:`bridge.web.views.registered_watch` shows it.
"""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import Response

from bridge.errors import RequestError
from bridge.models import DestinationView
from bridge.registry import Registered
from bridge.web import views
from bridge.web.errors import body_of


class BatchWriter:
    """Writes the entries of one answer, each a JSON object."""

    def __init__(self) -> None:
        self._entries: list[bytes] = []
        self._destinations: dict[str, bytes] = {}

    def add(self, answer: Registered | RequestError) -> None:
        """Write the next entry: the watch, or what registering it alone would have been refused with."""
        if isinstance(answer, RequestError):
            self._entries.append(to_json(body_of(answer)))
            return
        told = b",".join([self._destination(each) for each in answer.watch.destinations])
        watch = to_json(views.watch_fields(answer.watch)).removesuffix(b"}")
        self._entries.append(b'%b,"destinations":[%b]}' % (watch, told))

    def response(self) -> Response:
        """The whole answer."""
        text = b'{"object":"list","data":[%b]}' % b",".join(self._entries)
        return Response(text, 200, {"cache-control": "no-store"}, media_type="application/json")

    def _destination(self, view: DestinationView) -> bytes:
        written = self._destinations.get(view.id)
        if written is None:
            written = self._destinations[view.id] = to_json(views.registered_destination_fields(view))
        return written
