"""A real server in a process of its own, and what it answers to bytes on a socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.e2e.process import COMMAND, ROOT
from tests.fuzz.making import MadeUp

SLOW = 1.0
"""No answer may take longer, seconds."""

_PATIENCE = 30.0
_AT_ONCE = 8


@dataclass
class Answers:
    """What came back: how often which status, what was slow, and what must never be."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slow: list[MadeUp] = field(default_factory=list)
    wrong: list[tuple[str, MadeUp]] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()

    def note(self, request: MadeUp, status: int, seconds: float) -> None:
        """Take one answer in; a status of 0 is none."""
        self.statuses[status] += 1
        self.slowest = max(self.slowest, seconds)
        if seconds > SLOW:
            self.slow.append(request)
        if status >= 500:
            self.wrong.append((f"answered with {status}", request))
        if status == 0 and request.framed:
            self.wrong.append(("not answered", request))


class FuzzedServer:
    """`video-bridge serve` on SQLite, without a log level that would hide its errors."""

    def __init__(self, folder: Path, port: int, environ: Mapping[str, str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "log.jsonl"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BRIDGE_", "OPENAI_"))}
        fixed = {"PYTHONPATH": str(ROOT), "BRIDGE_PORT": str(port), "BRIDGE_LOG_FORMAT": "json"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *COMMAND[1:]], cwd=folder, env={**inherited, **fixed, **environ}, stderr=log
            )

    def await_ready(self) -> None:
        """Return once it takes requests."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False, timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the server did not start: {self.log()}")

    @property
    def pid(self) -> int:
        """Of the server's own process."""
        return self._process.pid

    def memory(self) -> int:
        """What the server's own process holds, bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def log(self) -> str:
        """All that it wrote."""
        return self._log.read_text()

    def errors(self) -> list[str]:
        """The lines of its log that tell of a fault of its own."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [json.dumps(line) for line in lines if line["level"] in ("error", "critical")]

    def stop(self) -> int:
        """Let it end; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)


@contextmanager
def fuzzed_server(folder: Path, port: int, environ: Mapping[str, str]) -> Iterator[FuzzedServer]:
    """A server that runs until the block ends, and then ends well."""
    server = FuzzedServer(folder, port, environ)
    try:
        server.await_ready()
        yield server
    finally:
        code = server.stop()
    assert code == 0


async def send_all(server: FuzzedServer, requests: Sequence[MadeUp], answers: Answers) -> None:
    """Send requests, some at once, each on a connection of its own."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(request: MadeUp) -> None:
        async with places:
            answers.note(request, *await send(server, request))

    await asyncio.gather(*(one(request) for request in requests))


async def send(server: FuzzedServer, request: MadeUp) -> tuple[int, float]:
    """The status that comes back, and after how many seconds; 0 when nothing comes.

    Only the beginning is waited for: a stream has no end. For garbage that may be the beginning of something the server
    rightly waits for, so its side of the connection is closed.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    began = time.monotonic()
    try:
        writer.write(request.data)
        if not request.framed:
            writer.write_eof()
        async with asyncio.timeout(_PATIENCE if request.framed else SLOW / 2):
            line = await reader.readline()
            while line.startswith(b"HTTP/1.1 100"):
                await reader.readline()
                line = await reader.readline()
    except OSError:  # too late, refused, reset, or closed before our side was
        line = b""
    finally:
        writer.close()
    seconds = time.monotonic() - began
    status = int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0
    return status, seconds if status else 0.0


def still_slow(server: FuzzedServer, slow: Sequence[MadeUp]) -> list[MadeUp]:
    """Those that are slow alone, too, three times in a row: on a busy machine any answer may be late once."""

    async def alone(request: MadeUp) -> bool:
        return all([(await send(server, request))[1] > SLOW for _ in range(3)])

    return [request for request in slow if asyncio.run(alone(request))]
