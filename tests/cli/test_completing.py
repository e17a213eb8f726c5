"""Completion as shells ask for it: a variable names the shell, others hold the line typed so far."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.cli.completing import destination_names
from tests.cli.conftest import Cli, Environ
from tests.cli.samples import WATCH_ID, make_delivery, make_stored, make_watch
from tests.cli.stub import StubBridge, refusal

SHELLS = ["bash", "zsh", "fish"]


def completed(cli: Cli, environ: Environ, shell: str, line: str) -> str:
    """What the shell is told when the tab key is pressed at the end of this line."""
    words = line.split(" ")
    environ.update({"_VIDEO_BRIDGE_COMPLETE": f"complete_{shell}"})
    environ.update({"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)})
    environ.update({"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"})
    result = cli()
    assert result.stderr == ""
    return result.stdout.strip()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_is_printed(shell: str, environ: Environ) -> None:
    environ["_VIDEO_BRIDGE_COMPLETE"] = f"source_{shell}"
    result = CliRunner().invoke(app, [], prog_name="video-bridge")
    assert result.exit_code == 0
    assert f"_VIDEO_BRIDGE_COMPLETE=complete_{shell}" in result.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("video-bridge wat", ["watch"]),
        ("video-bridge destinations ", ["list", "add", "test", "rotate"]),
        ("video-bridge deliveries --status ", ["pending", "delivered", "failed", "cancelled"]),
    ],
)
def test_commands_and_values_are_completed_in_every_shell(
    cli: Cli, environ: Environ, shell: str, line: str, proposed: list[str]
) -> None:
    printed = completed(cli, environ, shell, line)
    assert [each for each in proposed if each not in printed] == []


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("video-bridge destinations test ", "team"),
        ("video-bridge watch video_abc --destination ", "team"),
        ("video-bridge watch video_abc --provider ", "openai"),
        ("video-bridge show ", WATCH_ID),
        ("video-bridge cancel watch_", WATCH_ID),
        ("video-bridge retry ", make_delivery()["id"]),
    ],
)
def test_names_and_ids_come_from_the_server(
    cli: Cli, environ: Environ, stub: StubBridge, line: str, proposed: str
) -> None:
    stub.add(make_watch())
    stub.stored.add(make_stored(name="team"))
    stub.deliveries["dlv"] = make_delivery()
    assert completed(cli, environ, "bash", line) == proposed


def test_only_what_begins_so_is_proposed(cli: Cli, environ: Environ, stub: StubBridge) -> None:
    stub.stored.add(make_stored(name="team"), make_stored(name="other"))
    assert completed(cli, environ, "bash", "video-bridge destinations test te") == "team"


@pytest.mark.parametrize("evil", ["$(touch x)", "\\`touch x`", '";touch x;"'])
def test_nothing_that_a_shell_could_run_is_proposed(cli: Cli, environ: Environ, stub: StubBridge, evil: str) -> None:
    stub.add(make_watch(video_id=evil), make_watch(id=f"watch_{evil}$"))
    printed = completed(cli, environ, "zsh", "video-bridge show ")
    assert WATCH_ID in printed
    assert "touch" not in printed


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_proposes_nothing_and_says_nothing(cli: Cli, environ: Environ, stub: StubBridge, status: int) -> None:
    stub.next_answers.append(refusal(status))
    assert completed(cli, environ, "bash", "video-bridge show ") == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no URL"])
def test_a_server_that_is_away_proposes_nothing(environ: Environ, url: str) -> None:
    environ["BRIDGE_URL"] = url
    assert destination_names("") == []
