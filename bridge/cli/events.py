"""Server-sent events as they arrive: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing."""

from __future__ import annotations

from collections.abc import Iterator


class EventParser:
    """Puts the ``data`` of events together from pieces of a stream; ids, names and comments are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The data of each event that this piece completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.removesuffix(b"\r").decode(errors="replace").partition(":")
            if field == "data":
                self._data.append(value.removeprefix(" "))
            elif not field and not value and self._data:
                yield "\n".join(self._data)
                self._data = []
