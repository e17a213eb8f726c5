"""The command line as its users meet it: a process of its own, with pipes, signals and terminals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pexpect  # type: ignore[import-untyped]
import pytest

import bridge
from bridge.ids import new_id
from tests.cli.conftest import Environ
from tests.cli.samples import at_progress, completed, make_watch
from tests.cli.stub import StubBridge

COMMAND = [sys.executable, "-m", "bridge"]

PATIENCE = 60
"""What a process may take on a busy machine, seconds."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(150), pytest.mark.usefixtures("environment")]


@pytest.fixture
def environment(stub: StubBridge, environ: Environ) -> Environ:
    environ.update({"BRIDGE_URL": stub.url, "PYTHONPATH": str(Path(bridge.__file__).parents[1])})
    return environ


def variables() -> dict[str, str]:
    """The variables that this process shows: without this, those that GNU readline adds would be inherited, too."""
    return dict(os.environ)


def run(*arguments: str, input: bytes = b"") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that was run to its end."""
    done = subprocess.run([*COMMAND, *arguments], input=input, capture_output=True, timeout=PATIENCE, env=variables())
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that must not outlive the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(started: list[subprocess.Popen[bytes]], *arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables())
    started.append(process)
    return process


def line_with(word: str, process: subprocess.Popen[bytes]) -> str:
    """The first line of stderr that has the word in it."""
    assert process.stderr is not None
    return next(line for line in map(bytes.decode, process.stderr) if word in line)


def terminal(*arguments: str) -> Any:
    """A command on a terminal of 80 columns."""
    return pexpect.spawn(
        sys.executable, ["-m", "bridge", *arguments], dimensions=(24, 80), timeout=PATIENCE, encoding="utf-8"
    )


def end_of(screen: Any) -> str:
    """What is printed until the command ends."""
    screen.expect(pexpect.EOF)
    screen.close()
    return str(screen.before)


def test_it_runs_as_a_module() -> None:
    assert run("--version") == (0, f"video-bridge {bridge.__version__}\n", "")


def test_no_server_is_a_sentence_and_an_exit_code(environment: Environ) -> None:
    environment["BRIDGE_URL"] = "http://127.0.0.1:9"
    code, out, err = run("list")
    assert (code, out) == (3, "")
    assert err.startswith("Error: The server cannot be reached: Connection refused. Is `video-bridge serve` running?")


def test_a_key_in_dotenv_opens_the_server(stub: StubBridge, folder: Path) -> None:
    stub.api_key = "k" * 20
    assert run("list")[0] == 2
    (folder / ".env").write_text(f"BRIDGE_API_KEY={stub.api_key}\n")
    assert run("list")[0] == 0


def test_a_pipe_carries_whole_ids_and_no_colour(stub: StubBridge) -> None:
    stub.add(make_watch(video_id="video_" + "x" * 200))
    _, out, _ = run("list")
    assert "video_" + "x" * 200 in out
    assert "\x1b" not in out


def test_a_reader_that_goes_away_is_no_traceback(stub: StubBridge, started: list[subprocess.Popen[bytes]]) -> None:
    stub.add(*(make_watch(id=new_id("watch")) for _ in range(300)))
    process = start(started, "list", "--all", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 1
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_a_sentence(stub: StubBridge) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, "list", "--json"], stdout=full, stderr=subprocess.PIPE, env=variables())
    assert (done.returncode, done.stderr) == (1, b"Error: [Errno 28] No space left on device\n")


def test_ids_that_are_no_text_are_refused_by_the_server(stub: StubBridge) -> None:
    code, _, err = run("watch", "-", input=b"good\n\xff\n")
    assert code == 2
    assert "it cannot be a video id" in err
    assert "Traceback" not in err


def test_a_stream_without_arrows_still_gets_its_answer(environment: Environ) -> None:
    environment["PYTHONIOENCODING"] = "latin-1"
    code, out, err = run("watch", "video_abc")
    assert (code, err) == (0, "")
    assert "watching  ? callback https://example.com/hook" in out


def test_an_interrupt_ends_following_but_not_the_watch(
    stub: StubBridge, started: list[subprocess.Popen[bytes]]
) -> None:
    process = start(started, "watch", "video_abc", "--follow")
    line_with("not seen yet", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.decode() == "Stopped. What is registered goes on at the server.\n"


def test_each_change_is_passed_on_at_once(stub: StubBridge, started: list[subprocess.Popen[bytes]]) -> None:
    process = start(started, "watch", "video_abc", "--follow", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["video"] is None
    stub.course("video_abc", at_progress(45))
    assert json.loads(process.stdout.readline())["video"]["progress"] == 45
    stub.course("video_abc", completed())
    assert json.loads(process.stdout.readline())["status"] == "completed"
    assert process.wait(PATIENCE) == 0


def test_client_commands_do_not_wait_for_the_application_to_load() -> None:
    code = "import sys; from bridge.cli import main; sys.argv[1:] = ['list']\ntry: main()\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=variables())
    assert {b"bridge.app", b"sqlalchemy", b"starlette"}.isdisjoint(done.stdout.split())


def test_a_terminal_shows_a_bar_that_gives_way_to_the_result(stub: StubBridge) -> None:
    screen = terminal("watch", "video_abc", "--follow")
    stub.course("video_abc", at_progress(45))
    screen.expect("━.*in_progress 45%")
    stub.course("video_abc", completed())
    screen.expect("✓ .*video_abc.*completed.* after 2m 5s")
    # The bar's line was erased before the result was printed.
    assert "\x1b[1A\x1b[2K" in screen.before
    end_of(screen)
    assert screen.exitstatus == 0


def test_no_color_leaves_the_bars_without_colour(stub: StubBridge, environment: Environ) -> None:
    environment["NO_COLOR"] = "1"
    stub.course("video_abc", at_progress(45), completed())
    text = end_of(terminal("watch", "video_abc", "--follow"))
    assert "✓ video_abc completed after 2m 5s" in text
    assert "\x1b[1m" not in text
    assert "\x1b[3" not in text


def test_json_is_spread_out_for_a_person(stub: StubBridge) -> None:
    stub.add(make_watch())
    assert '{\r\n  "object": "list",\r\n' in end_of(terminal("list", "--json"))


def test_stdin_of_a_terminal_is_asked_for(stub: StubBridge) -> None:
    screen = terminal("watch", "-")
    screen.expect("One video id per line, please")
    screen.sendline("video_abc")
    screen.sendeof()
    assert "watching" in end_of(screen)


def test_serve_runs_until_sigterm_and_one_per_database(started: list[subprocess.Popen[bytes]], folder: Path) -> None:
    first = start(started, "serve", "--port", "0")
    url = json.loads(line_with("serving", first))["url"]
    assert httpx.get(f"{url}/healthz", trust_env=False, timeout=30).status_code == 200
    code, out, err = run("serve", "--port", "0")
    assert (code, out) == (2, "")
    assert "BRIDGE_DATABASE_URL" in err
    first.send_signal(signal.SIGTERM)
    assert first.wait(25) == 0


def test_serve_welcomes_a_person(environment: Environ) -> None:
    environment["NO_COLOR"] = "1"
    screen = terminal("serve", "--port", "0")
    screen.expect(r"API docs +http://127.0.0.1:\d+/docs")
    screen.expect("video-bridge watch VIDEO_ID")
    screen.sendintr()
    end_of(screen)
    assert screen.exitstatus == 0
