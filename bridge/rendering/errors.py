"""What can go wrong between a template and a message."""

from __future__ import annotations

from bridge.errors import BridgeError


class RenderingError(BridgeError):
    """There is no message; see the subclasses."""


class SandboxError(RenderingError):
    """The sandbox itself does not work: no process can be started, or it is closed. Says nothing about a template."""


class TemplateError(RenderingError):
    """A template cannot be rendered.

    :param reason: what is wrong and, where there is one, the fix; one line without secrets, fit for whoever wrote it.
    :param line: the line of the template, counted from 1, None where there is none to name.
    :param where: which template and values it was about, for example ``video.failed (error null)``; may be empty.
    """

    def __init__(self, reason: str, line: int | None = None, where: str = "") -> None:
        place = ", ".join(each for each in (where, "" if line is None else f"line {line}") if each)
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.line = line
        self.where = where


class LimitError(Exception):
    """A template asked for more than it may have. Raised inside a rendering, never out of it."""


class OutOfTime(BaseException):
    """A template has had all the time it may have. Raised by the clock inside a rendering, never out of it.

    No Exception, because Jinja takes those for constants that it cannot compute ahead, and goes on.
    """
