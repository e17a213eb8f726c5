from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_group
from typer.testing import CliRunner, Result

from bridge import __version__
from bridge.cli import app
from bridge.cli.commands import ABOUT, MODULES, Commands
from bridge.cli.exits import CommandError, ExitCode, UnreachableError
from bridge.errors import ConfigurationError, StoreUnavailableError
from tests.cli.conftest import Environ


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False, prog_name="video-bridge")


def test_the_version_is_printed() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"video-bridge {__version__}\n")


@pytest.mark.parametrize("arguments", [("--help",), ("-h",)])
def test_the_help_lists_every_command(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    for name in MODULES:
        assert f"│ {name} " in result.stdout


@pytest.mark.parametrize("name", MODULES)
def test_each_command_explains_itself(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: video-bridge {name}" in result.stdout


def test_a_typing_error_is_met_with_a_proposal() -> None:
    result = run("wacth")
    assert result.exit_code == 2
    assert "Did you mean 'watch'?" in result.stderr


def test_without_a_command_the_help_is_shown() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands" in result.output


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CommandError("No."), 1, "Error: No.\n"),
        (CommandError("No.", ExitCode.USAGE), 2, "Error: No.\n"),
        (UnreachableError("Nobody."), 3, "Error: Nobody.\n"),
        (ConfigurationError("A is wrong.", "B too."), 2, "Error: A is wrong.\nError: B too.\n"),
        (StoreUnavailableError("The database is away."), 1, "Error: The database is away.\n"),
        (OSError(28, "No space left on device"), 1, "Error: [Errno 28] No space left on device\n"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_becomes_a_sentence_and_an_exit_code(error: BaseException, code: int, said: str) -> None:
    failing = typer.Typer(cls=Commands, invoke_without_command=True)

    @failing.callback()
    def fail() -> None:
        raise error

    result = CliRunner().invoke(failing, [], catch_exceptions=False)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["templates", "render", "slack", "video.done"], "'EVENT': 'video.done' is not one of 'video.completed'"),
        (["watch", "video_1", "--timeout", "0"], "'--timeout': must be greater than or equal to 1 "),
        (["watch", "video_1", "--timeout", "1h"], "'--timeout': must be a valid integer "),
        (["simulate", "--duration", "long"], "'--duration': must be a valid number "),
    ],
)
def test_what_is_wrong_with_an_option_is_said_in_our_words(
    environ: Environ, arguments: Sequence[str], said: str
) -> None:
    environ["COLUMNS"] = "200"
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"Invalid value for {said}" in result.stderr


@pytest.mark.parametrize("name", MODULES)
def test_what_the_shell_is_told_of_a_command_is_what_that_says_of_itself(name: str) -> None:
    itself = get_group(import_module(MODULES[name]).app).commands[name]
    assert TyperCommand(name, help=ABOUT[name]).get_short_help_str() == itself.get_short_help_str()


def test_the_tab_key_imports_no_command() -> None:
    completing = (
        "import os, sys; os.environ.update(_VIDEO_BRIDGE_COMPLETE='complete_bash', COMP_CWORD='1', "
        "COMP_WORDS='video-bridge de'); import atexit; atexit.register(lambda: print(sorted(sys.modules))); "
        "from bridge.cli import main; main()"
    )
    printed = subprocess.run([sys.executable, "-c", completing], capture_output=True, text=True, check=False).stdout
    assert printed.split()[:3] == ["demo", "deliveries", "destinations"]
    assert "'bridge.cli.commands'" in printed
    assert [each for each in ("sqlalchemy", "httpx", "starlette", *MODULES.values()) if f"'{each}'" in printed] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(shell: str, environ: Environ) -> None:
    environ.update({"_VIDEO_BRIDGE_COMPLETE": f"complete_{shell}", "COMP_WORDS": "video-bridge de", "COMP_CWORD": "1"})
    environ.update({"_TYPER_COMPLETE_ARGS": "video-bridge de", "_TYPER_COMPLETE_FISH_ACTION": "get-args"})
    assert "deliveries" in run().stdout
