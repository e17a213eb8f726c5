"""One process of the sandbox, as the parent sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Any, cast

from bridge.rendering.errors import SandboxError
from bridge.rendering.frames import LENGTH

_MAX_ANSWER = 2 * 1_048_576
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # which on Windows is the same
# What a Python may need to start at all where it is not installed in the usual place.
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT")


class WorkerDiedError(Exception):
    """The process ended, or spoke nonsense, instead of answering."""


class WorkerProcess:
    """A running :mod:`bridge.rendering.worker`; made by :meth:`start`.

    ``fresh`` until it has answered a job; ``waiting`` when it can be given one.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._jobs = cast(asyncio.StreamWriter, process.stdin)  # both are pipes, see start()
        self._answers = cast(asyncio.StreamReader, process.stdout)
        self.fresh = True
        self.waiting = False

    @classmethod
    async def start(cls, memory: int) -> WorkerProcess:
        """Start a process. It knows nothing of our environment, and Ctrl-C at a terminal is not meant for it.

        :param memory: most address space it may have, bytes.
        :raises SandboxError: it cannot be started.
        """
        command = (sys.executable, "-P", "-s", "-m", "bridge.rendering.worker", str(memory))
        try:
            return cls(
                await asyncio.create_subprocess_exec(
                    *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_variables(), start_new_session=True
                )
            )
        except OSError as error:
            raise SandboxError(f"no process can be started to render templates: {error}") from error

    async def ready(self) -> None:
        """Wait until it can take jobs.

        :raises WorkerDiedError: it ended before that.
        """
        await self._receive()
        self.waiting = True

    async def ask(self, job: bytes) -> dict[str, Any]:
        """Its answer to a job. Whoever does not wait for it has to :meth:`kill` the process.

        :raises WorkerDiedError: there is none.
        """
        self.waiting = False
        with suppress(ConnectionError):  # the answer that does not come says the same
            self._jobs.write(job)
            await self._jobs.drain()
        answer = await self._receive()
        self.fresh = False
        self.waiting = not (answer.get("done") or answer.get("last"))
        return answer

    def kill(self) -> None:
        """End it at once; :meth:`ended` waits until it is gone."""
        self.waiting = False
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                # Process.kill() would ask for its exit status first, and take it from the loop that waits for it.
                os.kill(self._process.pid, _KILL)

    async def ended(self) -> None:
        """Return when the process is gone and nothing of it is left."""
        self._jobs.close()
        with suppress(ConnectionError):
            await self._answers.read()
        await self._process.wait()

    async def _receive(self) -> dict[str, Any]:
        try:
            (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
            if length > _MAX_ANSWER:
                raise WorkerDiedError
            answer: dict[str, Any] = json.loads(await self._answers.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, RecursionError) as error:
            raise WorkerDiedError from error
        return answer


def _variables() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(os.path.abspath(folder) for folder in sys.path)}
