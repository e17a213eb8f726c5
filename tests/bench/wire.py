"""Servers for the benchmarks, each a process of its own on the cores that are not measured.

``python -m tests.bench.wire`` is such a process. It answers every request at once and keeps connections open; what it
answers is decided by the path: a callback gets a 204, ``GET …/videos/{id}`` a video. It prints its port, then one line
for each line of its input: how many requests it has answered, once they are at least as many as the line says.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.cores import pin_servers

ENDED = "ended_"
"""What the id of a video begins with that has ended."""

_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_PATIENCE = 120.0


class Wire:
    """A server in another process.

    :param port: where it listens, on every address of loopback.
    """

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    async def answered(self, number: int = 0) -> int:
        """How many requests it has answered, once they are at least so many."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % number)
        return int(await self._line())

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            return await self._process.stdout.readline()


@asynccontextmanager
async def wire() -> AsyncIterator[Wire]:
    """A server until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.wire",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        server = Wire(process, 0)
        server.port = int(await server._line())
        yield server
    finally:
        process.kill()
        await process.wait()


class _Counter:
    """Counts answers, and wakes who waits for a number of them."""

    def __init__(self) -> None:
        self.answered = 0
        self.waiting: tuple[int, asyncio.Future[None]] | None = None

    def count(self) -> None:
        self.answered += 1
        if self.waiting and self.answered >= self.waiting[0]:
            self.waiting[1].set_result(None)
            self.waiting = None

    async def reached(self, number: int) -> int:
        if self.answered < number:
            future = asyncio.get_running_loop().create_future()
            self.waiting = (number, future)
            await future
        return self.answered


class _Protocol(asyncio.Protocol):
    """As much of HTTP/1.1 as our own clients speak."""

    def __init__(self, counter: _Counter) -> None:
        self._counter = counter
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while True:
            head, found, rest = self._waiting.partition(b"\r\n\r\n")
            if not found:
                return
            lower = head.lower()
            length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length: " in lower else 0
            if len(rest) < length:
                return
            self._waiting = rest[length:]
            method, path, _ = head.split(b" ", 2)
            self._transport.write(_video(path) if method == b"GET" else _NO_CONTENT)
            self._counter.count()


def _video(path: bytes) -> bytes:
    """A video under whatever id is asked for: being made, unless the id says that it has ended."""
    video_id = path.rsplit(b"/", 1)[1].decode()
    ended = video_id.startswith(ENDED)
    video = {
        "id": video_id,
        "object": "video",
        "model": "sora-2",
        "status": "completed" if ended else "in_progress",
        "progress": 100 if ended else 50,
        "created_at": 1763870000,
        "completed_at": 1763870060 if ended else None,
        "expires_at": None,
        "prompt": "a cat that plays the piano",
        "remixed_from_video_id": None,
        "seconds": "4",
        "size": "720x1280",
        "error": None,
    }
    body = json.dumps(video).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve() -> None:
    counter = _Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(counter), "0.0.0.0", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
    while line := await reader.readline():
        print(await counter.reached(int(line)), flush=True)


if __name__ == "__main__":
    pin_servers()
    asyncio.run(_serve())
