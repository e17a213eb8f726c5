from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.app import Rotation
from bridge.cli import app, secrets
from bridge.settings import Settings
from bridge.store import lock_file
from tests.cli.conftest import Environ
from tests.test_rotation import NEW, OLD, filled


def rotate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["secrets", "rotate", *arguments], catch_exceptions=False, prog_name="video-bridge")


def test_it_says_what_it_did_and_a_second_time_that_nothing_was_left(environ: Environ, folder: Path) -> None:
    asyncio.run(filled(folder, 2))
    environ["BRIDGE_SECRET_KEY"] = f"{NEW},{OLD}"
    first, again = rotate(), rotate("--json")
    assert (first.exit_code, first.stdout) == (0, "")
    assert "3 secrets were encrypted anew" in first.stderr
    assert "Older keys are needed no more." in first.stderr
    assert (again.exit_code, json.loads(again.stdout)["resealed"], json.loads(again.stdout)["done"]) == (0, 0, True)


def test_while_a_server_runs_it_says_to_stop_that_and_offers_no_other_file(environ: Environ, folder: Path) -> None:
    asyncio.run(filled(folder, 0))
    environ["BRIDGE_SECRET_KEY"] = f"{NEW},{OLD}"
    with lock_file(folder / "bridge.db"):
        result = rotate()
    assert result.exit_code == 2
    assert result.stderr.rstrip().endswith("Stop it, run this again, then start it.")
    assert "a file of its own" not in result.stderr


@pytest.mark.parametrize(("kind", "warned"), [("sqlite", False), ("postgresql", True)])
def test_where_servers_go_on_meanwhile_it_says_which_key_they_must_have(
    environ: Environ, monkeypatch: pytest.MonkeyPatch, kind: str, warned: bool
) -> None:
    async def rotated(settings: Settings) -> Rotation:
        assert settings.database_kind == kind
        return Rotation("0a1b2c3d", 4)

    monkeypatch.setattr(secrets, "rotate_secrets", rotated)
    environ["BRIDGE_SECRET_KEY"] = f"{NEW},{OLD}"
    if kind == "postgresql":
        environ["BRIDGE_DATABASE_URL"] = "postgresql://ann@127.0.0.1:9/bridge"
    result = rotate()
    assert result.exit_code == 0
    assert ("Every server that runs must have the first key" in result.stderr) is warned


def test_without_a_database_it_refuses_and_makes_none(environ: Environ, folder: Path) -> None:
    result = rotate()
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: BRIDGE_DATABASE_URL: ")
    assert list(folder.glob("bridge.db*")) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Rotation("0a1b2c3d", 4, damaged=("dest_1",)), "No key opens the settings of dest_1"),
        (Rotation("0a1b2c3d", 4, left=1), "1 secret was encrypted with another key meanwhile"),
    ],
)
def test_what_could_not_be_done_is_said_and_fails(
    environ: Environ, monkeypatch: pytest.MonkeyPatch, made: Rotation, said: str
) -> None:
    async def rotated(settings: Settings) -> Rotation:
        return made

    monkeypatch.setattr(secrets, "rotate_secrets", rotated)
    result = rotate()
    assert result.exit_code == 1
    assert said in result.stderr
    assert "needed no more" not in result.stderr
