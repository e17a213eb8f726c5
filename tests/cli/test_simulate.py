from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from typer.testing import CliRunner, Result

from bridge.cli import app
from tests.ports import free_port


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments], catch_exceptions=False, prog_name="video-bridge")


@contextmanager
def ended_by(number: signal.Signals, port: int, answers: list[int]) -> Iterator[None]:
    """Ask the simulator once as soon as it listens, then send this process a signal."""
    over = threading.Event()

    def ask_and_end() -> None:
        url = f"http://127.0.0.1:{port}/v1/videos"
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False, timeout=60) as client:
            answers.append(client.get(url).status_code)
        over.set()
        os.kill(os.getpid(), number)

    before = signal.signal(number, lambda *_: None)
    asking = threading.Thread(target=ask_and_end)
    asking.start()
    try:
        yield
    finally:
        asking.join()
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_a_signal_and_says_how_to_use_it(number: signal.Signals) -> None:
    port, answers = free_port(), list[int]()
    with ended_by(number, port, answers):
        result = simulate("--port", str(port))
    assert (result.exit_code, answers) == (0, [200])
    assert result.stdout == f"export OPENAI_BASE_URL=http://127.0.0.1:{port}/v1\n"
    assert "Ctrl-C ends it" in result.stderr


def test_it_leaves_the_signals_of_the_process_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    port = free_port()
    with ended_by(signal.SIGTERM, port, []):
        during = signal.getsignal(signal.SIGTERM)
        simulate("--port", str(port))
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == (before[0], during)
    assert signal.getsignal(signal.SIGTERM) == before[1]


def test_its_options_reach_the_simulator() -> None:
    port, answers = free_port(), list[int]()
    with ended_by(signal.SIGTERM, port, answers):
        result = simulate("--port", str(port), "--api-key", "sk-simulated-key", "--server-error", "1")
    assert answers == [401]
    assert result.stdout.splitlines()[1] == "export OPENAI_API_KEY=sk-simulated-key"


def test_a_port_in_use_is_bad_configuration() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = simulate("--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: Cannot listen on 127.0.0.1")
    assert "choose another port with `--port`." in result.stderr


def test_an_address_of_another_machine_is_not_said_to_be_a_matter_of_the_port() -> None:
    result = simulate("--host", "192.0.2.1", "--port", "0")
    assert result.exit_code == 2
    assert result.stderr.endswith("Choose another address with `--host`.\n")


@pytest.mark.parametrize(
    "options",
    [("--failure-rate", "1.5"), ("--progress", "slow"), ("--hang", "0.6", "--reset", "0.6"), ("--api-key", "")],
)
def test_settings_that_cannot_be_are_refused(options: tuple[str, ...]) -> None:
    assert simulate(*options).exit_code == 2
