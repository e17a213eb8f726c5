"""The process that renders strangers' templates: it reads a job, answers it, reads the next.

It knows no secret: its environment is empty but for what Python needs, and no file is open but the two pipes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache, lru_cache, partial
from typing import Any, BinaryIO

from jinja2 import Template

from bridge.rendering.confinement import allow_cpu, confine, deadline, has_grown
from bridge.rendering.engine import render_message
from bridge.rendering.environment import TemplateEnvironment
from bridge.rendering.errors import OutOfTime, TemplateError
from bridge.rendering.frames import frame, read_frame
from bridge.rendering.messages import Form
from bridge.rendering.slots import Slot

Within = Callable[[float], AbstractContextManager[None]]
"""Lets what it encloses run for so many seconds."""

READY: Mapping[str, Any] = {"ready": True}
"""The first thing a worker says."""

_KEPT_TEMPLATES = 64


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Render every case of a job; stop at the first that fails.

    A job has ``form``, the ``templates`` and the ``cases``: pairs of a template's index and plain data. The answer has
    the ``messages``, or the ``error`` with the index of its ``case``. With ``done`` the worker has to go: what ran out
    of memory may have left too little for the next one.
    """
    form = Form.from_data(job["form"])
    messages = []
    for number, (index, told) in enumerate(job["cases"]):
        try:
            message = render_message(partial(_compiled, job["templates"][index]), form, told)
        except TemplateError as error:
            failure = {"reason": error.reason, "line": error.line, "case": number}
            return {"error": failure, "done": isinstance(error.__cause__, MemoryError)}
        messages.append({"parts": message.parts, "in_blocks": message.in_blocks})
    return {"messages": messages if job["wanted"] else []}


def serve(
    jobs: BinaryIO,
    answers: BinaryIO,
    within: Callable[[float], AbstractContextManager[None]] = deadline,
    grown: Callable[[], bool] = has_grown,
) -> None:
    """Answer jobs until the parent hangs up or a job has cost too much.

    :param within: interrupts what runs inside after so many seconds.
    :param grown: whether the process holds so much memory by now that a new one had better take the next job.
    """
    _send(answers, READY)
    while (job := read_frame(jobs)) is not None:
        allow_cpu(job["cpu"])
        try:
            with within(job["seconds"]):
                reply = answer(job)
        except OutOfTime as error:  # between two renderings
            reply = {"error": {"reason": str(error), "line": None, "case": None}}
        reply["last"] = grown()
        _send(answers, reply)
        if reply.get("done") or reply["last"]:
            return


def main() -> None:
    """Run as the process of :class:`bridge.rendering.sandbox.Sandbox`; the argument is the memory limit in bytes."""
    confine(int(sys.argv[1]))
    serve(sys.stdin.buffer, sys.stdout.buffer)


def _send(answers: BinaryIO, data: Any) -> None:
    answers.write(frame(data))
    answers.flush()


@cache
def _environment(slot: Slot) -> TemplateEnvironment:
    return TemplateEnvironment(slot)


@lru_cache(_KEPT_TEMPLATES)
def _compiled(source: str, slot: Slot) -> Template:
    return _environment(slot).from_string(source)


if __name__ == "__main__":
    main()
