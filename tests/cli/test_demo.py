"""`video-bridge demo`, as a newcomer runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli.demo import PROMPTS, next_lines
from bridge.clock import SystemClock
from bridge.simulator import Simulator, SimulatorSettings

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """One run of the demo without a terminal, from an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    finished = subprocess.run(
        [sys.executable, "-m", "bridge", "demo"],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "BRIDGE_PORT": "nonsense"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert list(folder.iterdir()) == []
    return finished


def test_every_job_is_told_and_the_exit_code_says_so(demo: subprocess.CompletedProcess[str]) -> None:
    assert (demo.returncode, demo.stderr) == (0, "")
    assert f"All {len(PROMPTS)} videos were told: 4 completed, 2 failed" in demo.stdout


@pytest.mark.parametrize("prompt", PROMPTS)
def test_each_callback_is_shown_with_its_signature_verified(
    demo: subprocess.CompletedProcess[str], prompt: str
) -> None:
    (line,) = [
        line for line in demo.stdout.splitlines() if prompt.split(" [")[0] in line and "signature verified" in line
    ]
    assert ("video.failed" if "[fail" in prompt else "video.completed") in line


def test_the_call_that_was_refused_comes_again(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.stdout.count("answered 503 on purpose") == 1


def test_without_a_terminal_there_are_plain_lines(demo: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in demo.stdout
    assert "in_progress" in demo.stdout


def test_what_to_type_next_names_the_very_program_that_ran(demo: subprocess.CompletedProcess[str]) -> None:
    following = demo.stdout[demo.stdout.index("Next, ") :].splitlines()[1:4]
    assert [line.count(f"{sys.executable} -m bridge ") for line in following] == [1, 1, 1]


def test_the_next_command_finds_the_id_in_what_the_simulator_answers() -> None:
    (order,) = [line for line in next_lines("video-bridge") if "grep" in line]
    pattern = order.split("grep -oE '")[1].split("'")[0]
    video = Simulator(SimulatorSettings(), SystemClock()).create("A paper boat")
    assert re.findall(pattern, json.dumps(video.as_dict())) == [video.id]


def test_it_says_that_the_next_command_needs_a_receiver_and_where_one_stands() -> None:
    lines = next_lines("video-bridge")
    assert "127.0.0.1:9000" in lines[3]
    assert "docs/tutorial.md has a receiver" in lines[4]
    assert 'HTTPServer(("127.0.0.1", 9000)' in (Path(__file__).parents[2] / "docs/tutorial.md").read_text()


def rows(demo: subprocess.CompletedProcess[str], name: str) -> list[str]:
    """What one of the inboxes showed, without its margin."""
    shown, inbox = [], ""
    for line in demo.stdout.splitlines():
        margin, bar, text = line.partition("▏ ")
        if bar:
            inbox = margin.strip() or inbox
            shown += [text] if inbox == name else []
    return shown


def test_slack_is_told_of_one_that_was_completed_and_of_one_that_failed(
    demo: subprocess.CompletedProcess[str],
) -> None:
    shown = rows(demo, "Slack")
    assert [line for line in shown if "Video" in line] == ["✅ Video completed", "❌ Video failed"]
    assert any("`moderation_blocked`" in line for line in shown)


def test_the_same_two_come_by_mail(demo: subprocess.CompletedProcess[str]) -> None:
    shown = rows(demo, "mail")
    completed, failed = (line for line in shown if line.startswith("Subject: "))
    assert completed.startswith("Subject: Video completed: A paper boat")
    assert failed.startswith("Subject: Video failed: A famous mouse")
    assert shown.count("To: you@example.com") == 2
