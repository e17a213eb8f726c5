"""Strangers' templates, rendered in processes of their own with bounds on time, memory and size.

Jinja's sandbox keeps a template away from Python's insides, but not from the processor: constants are computed while
compiling, and no thread can be stopped. So each job goes to a process that can be killed; the event loop only waits.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.rendering.errors import SandboxError, TemplateError
from bridge.rendering.frames import frame
from bridge.rendering.messages import Form, Message
from bridge.rendering.process import WorkerDiedError, WorkerProcess
from bridge.rendering.told import Told

MAX_SOURCE = 65_536
"""Most bytes of UTF-8 a template may have."""

_START_SECONDS = 30.0
# A process interrupts its own template, to say at which line. One that cannot be interrupted is ended so much later.
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One rendering to try: a template with values.

    :param label: what an error is said to be about.
    """

    template: str
    told: Told
    label: str = ""


class Sandbox:
    """Renders strangers' templates. It starts its processes when they are needed, and keeps them.

    :param workers: most processes at once; further jobs wait their turn.
    :param memory: most address space of a process, bytes.
    :param seconds: most time for one message.
    :param check_seconds: most time for one check, however many cases it has.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        memory: int = 256 * 1_048_576,
        seconds: float = 3.0,
        check_seconds: float = 8.0,
    ) -> None:
        self._workers = workers
        self._room = asyncio.Semaphore(workers)
        self._memory = memory
        self._seconds = seconds
        self._check_seconds = check_seconds
        self._processes: set[WorkerProcess] = set()
        self._waiting: list[WorkerProcess] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def render(self, template: str, form: Form, told: Told) -> Message:
        """The message a template makes of an event.

        :raises TemplateError: it cannot be rendered with these values, or takes more than it may have.
        :raises SandboxError: nothing can be rendered now.
        """
        answer = await self._run(form, [Case(template, told)], self._seconds, wanted=True)
        (message,) = answer["messages"]
        return Message(message["parts"], message["in_blocks"])

    async def check(self, form: Form, cases: Sequence[Case]) -> None:
        """Try all cases and return when every one of them can be rendered.

        :raises TemplateError: one cannot; ``where`` is its label.
        :raises SandboxError: nothing can be rendered now.
        """
        await self._run(form, cases, self._check_seconds, wanted=False)

    async def aclose(self) -> None:
        """End all processes and wait until they are gone; what is being rendered fails."""
        self._closed = True
        for process in self._processes:
            process.kill()
        while self._waiting:
            self._end(self._waiting.pop())
        for _ in range(self._workers):  # until nobody is busy with a process any more
            await self._room.acquire()
        for _ in range(self._workers):
            self._room.release()
        while self._ending:
            await asyncio.wait(self._ending)

    async def _run(self, form: Form, cases: Sequence[Case], seconds: float, *, wanted: bool) -> Mapping[str, Any]:
        for case in cases:
            if len(case.template.encode(errors="replace")) > MAX_SOURCE:
                raise TemplateError(f"it is larger than {MAX_SOURCE:,} bytes", where=case.label)
        answer = await self._answer(frame(_job(form, cases, seconds, wanted=wanted)), seconds)
        failure = answer.get("error")
        if failure is not None:
            number = failure["case"]
            raise TemplateError(failure["reason"], failure["line"], "" if number is None else cases[number].label)
        return answer

    async def _answer(self, job: bytes, seconds: float) -> Mapping[str, Any]:
        async with self._room:
            while True:
                process = await self._take()
                used = not process.fresh
                answer = await self._ask(process, job, seconds)
                # A process may have died, or run out of memory, of what it did before: then another one is asked.
                if not (used and answer.get("done")):
                    return answer

    async def _take(self) -> WorkerProcess:
        """A process that waits for a job."""
        if self._closed:
            raise SandboxError("the sandbox is closed")
        if self._waiting:
            return self._waiting.pop()
        process = await WorkerProcess.start(self._memory)
        self._processes.add(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await process.ready()
        except (WorkerDiedError, TimeoutError) as error:
            raise SandboxError("the process that renders templates does not start") from error
        finally:
            if not process.waiting:
                self._end(process)
        return process

    async def _ask(self, process: WorkerProcess, job: bytes, seconds: float) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(seconds + _GRACE_SECONDS):
                return await process.ask(job)
        except TimeoutError:
            return _failed(f"it takes longer than {seconds:g} s")
        except WorkerDiedError as error:
            if self._closed:
                raise SandboxError("the sandbox is closed") from error
            return _failed("its process had to be ended: it needs more than it may have", done=True)
        finally:
            if process.waiting and not self._closed:
                self._waiting.append(process)
            else:
                self._end(process)

    def _end(self, process: WorkerProcess) -> None:
        self._processes.discard(process)
        process.kill()
        ending = asyncio.create_task(process.ended())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def _job(form: Form, cases: Sequence[Case], seconds: float, *, wanted: bool) -> dict[str, Any]:
    templates = list(dict.fromkeys(case.template for case in cases))
    return {
        "form": form.as_data(),
        "templates": templates,
        "cases": [[templates.index(case.template), case.told.as_dict()] for case in cases],
        "wanted": wanted,
        "seconds": seconds,
        # Only for a process whose parent is gone: the deadlines come before.
        "cpu": math.ceil(seconds + _GRACE_SECONDS) + 1,
    }


def _failed(reason: str, *, done: bool = False) -> dict[str, Any]:
    return {"error": {"reason": reason, "line": None, "case": None}, "done": done}
