"""`video-bridge serve` as a process of its own, to be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.servers import http_client

ROOT = Path(__file__).resolve().parents[2]

COMMAND = (sys.executable, "-m", "bridge", "serve")


class BridgeProcess:
    """The server on a database in ``folder``; every start uses the same port and the same environment."""

    def __init__(self, folder: Path, port: int, environ: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT), "BRIDGE_PORT": str(port), **environ}
        self._process: Process | None = None
        self.patience = 60.0  # machines are shared

    async def start(self) -> None:
        """Start it, and return once it is ready; one that does not get ready is ended."""
        self._process = await create_subprocess_exec(
            *COMMAND, cwd=self._folder, env=self.environ, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            await self._ready(self._process)
        except BaseException:
            await self.end(signal.SIGKILL)
            raise

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    async def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait; its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()

    async def _ready(self, process: Process) -> None:
        async with asyncio.timeout(self.patience), http_client() as client:
            while not await self._is_ready(client):
                assert process.returncode is None, "the server ended by itself"
                await asyncio.sleep(0.05)

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False
