"""A stub server in a thread of its own, and the command line in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Protocol

import pytest
from anyio.from_thread import start_blocking_portal
from typer.testing import CliRunner, Result

from bridge.cli import app
from tests.cli.stub import StubBridge
from tests.servers import running_server

Environ = MutableMapping[str, str]

_SETTINGS = ("BRIDGE_", "OPENAI_")
_OF_TERMINALS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class Cli(Protocol):
    """Runs a command and returns what it printed and how it ended."""

    def __call__(self, *arguments: str, input: str | None = None) -> Result: ...


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubBridge]:
    # What a person waits for is nothing to go by where the stub, too, waits for a busy machine.
    monkeypatch.setattr("bridge.cli.client._CONNECT_TIMEOUT", 30.0)
    monkeypatch.setattr("bridge.cli.completing._PATIENCE", 30.0)
    bridge = StubBridge()
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        bridge.url = stack.enter_context(portal.wrap_async_context_manager(running_server(bridge.app)))
        yield bridge


@pytest.fixture(autouse=True)
def environ() -> Iterator[Environ]:
    """The variables of a plain terminal, without the developer's own settings; restored afterwards."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(_SETTINGS) or name.upper().endswith("_PROXY") or name in _OF_TERMINALS:
            del os.environ[name]
    os.environ["TERM"] = "xterm-256color"
    yield os.environ
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty working directory, so that no `.env` of the developer plays a part."""
    with chdir(tmp_path):
        yield tmp_path


@pytest.fixture
def cli(stub: StubBridge, environ: Environ) -> Cli:
    """Run a command against the stub, 100 characters wide."""
    environ.update({"BRIDGE_URL": stub.url, "COLUMNS": "100"})

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=input, catch_exceptions=False, prog_name="video-bridge")

    return run
