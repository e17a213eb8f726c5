"""A watch as server-sent events: what it shows now, then each change, until it has ended.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The id of an event stands for what the watch shows,
whichever process says so: whoever comes back with it hears nothing until that changes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass

from bridge.models import WatchStatus, WatchView
from bridge.web import views
from bridge.web.changes import Changes
from bridge.web.eventstream import BEAT, HEARTBEAT, PATIENCE, EventStream, Write
from bridge.web.health import Readiness


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``progress`` while the watch goes on, then ``ended``."""

    id: str
    name: str
    data: str

    def encode(self) -> bytes:
        """The event as it is sent."""
        return f"id: {self.id}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


def event_of(watch: WatchView) -> Event:
    """The event that tells what a watch shows."""
    data = views.watch(watch).model_dump_json(ensure_ascii=True)  # one line, whatever the reader takes for a line break
    name = "progress" if watch.status is WatchStatus.WATCHING else "ended"
    return Event(f"{watch.status}-{hashlib.sha256(data.encode()).hexdigest()[:16]}", name, data)


class Events:
    """Makes each event once, however many listen to its watch: they are all shown the same view.

    :param most: so many of the latest are kept.
    """

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._made: OrderedDict[int, tuple[WatchView, Event]] = OrderedDict()  # a view that is kept keeps its id

    def of(self, watch: WatchView) -> Event:
        """The event that tells what this very view shows."""
        if id(watch) not in self._made:
            self._made[id(watch)] = (watch, event_of(watch))
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        return self._made[id(watch)][1]


def heard_the_end(watch: WatchView, last_id: str | None) -> bool:
    """Whether a client that comes back with this id was told already how the watch ended."""
    return watch.status is not WatchStatus.WATCHING and (last_id or "").startswith(f"{watch.status}-")


class WatchStream(EventStream):
    """The stream of one watch, which ends with it."""

    def __init__(
        self,
        watch: WatchView,
        last_id: str | None,
        changes: Changes,
        readiness: Readiness,
        place: ExitStack,
        events: Events,
        *,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(readiness, place, patience=patience)
        self._events = events
        self._watch = watch
        self._last_id = last_id
        self._changes = changes

    async def tell(self, write: Write) -> None:
        """What the watch shows, and each change of that."""
        async with self._changes.follow(self._watch) as follower:
            while True:
                event = self._events.of(follower.watch)
                if event.id != self._last_id:
                    await write(event.encode())
                    self._last_id = event.id
                if event.name == "ended":
                    return
                while not await follower.changed(HEARTBEAT):
                    await write(BEAT)
