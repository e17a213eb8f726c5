from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import __version__
from bridge.cli.owncommand import own_command
from tests.cli.conftest import Environ

SCRIPT = Path(sys.executable).with_name("video-bridge")


def version(command: str) -> str:
    """What the command says of itself when a shell runs it in this folder."""
    return subprocess.run(["sh", "-c", f"{command} --version"], capture_output=True, text=True, check=True).stdout


def started_as(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", list(arguments))
    return own_command()


def test_on_the_path_its_name_is_enough(environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    environ["PATH"] = f"{SCRIPT.parent}{os.pathsep}{environ['PATH']}"
    assert started_as(monkeypatch, str(SCRIPT), "demo") == "video-bridge"
    assert version("video-bridge") == f"video-bridge {__version__}\n"


def test_off_the_path_it_is_called_as_it_was(environ: Environ, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    environ["PATH"] = "/usr/bin:/bin"
    (folder / ".venv").symlink_to(SCRIPT.parent.parent)
    command = started_as(monkeypatch, ".venv/bin/video-bridge", "demo")
    assert command == ".venv/bin/video-bridge"
    assert version(command) == f"video-bridge {__version__}\n"


def test_another_program_of_the_name_on_the_path_is_not_meant(
    environ: Environ, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    other = folder / "bin" / "video-bridge"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    environ["PATH"] = f"{other.parent}{os.pathsep}/usr/bin:/bin"
    assert started_as(monkeypatch, str(SCRIPT), "demo") == shlex.quote(str(SCRIPT))


def test_as_a_module_it_is_called_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    command = started_as(monkeypatch, "/somewhere/bridge/__main__.py", "demo")
    assert command.endswith(" -m bridge")
    assert version(command) == f"video-bridge {__version__}\n"
