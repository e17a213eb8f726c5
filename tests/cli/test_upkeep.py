from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from bridge import __version__
from bridge.cli import app
from bridge.store import inspect
from tests.cli.conftest import Environ


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False, prog_name="video-bridge")


def test_migrate_makes_a_database_that_can_be_used(folder: Path) -> None:
    first, again = run("migrate"), run("migrate")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.stderr.startswith("The database is at revision ")
    assert (folder / "bridge.db").is_file()
    assert inspect("sqlite:///bridge.db") == []


def test_migrate_refuses_what_is_no_database(environ: Environ, folder: Path) -> None:
    environ["BRIDGE_DATABASE_URL"] = f"sqlite:///{folder}"
    result = run("migrate")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: BRIDGE_DATABASE_URL: ")


def test_openapi_prints_the_document() -> None:
    result = run("openapi")
    document = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert document["info"]["version"] == __version__
    assert "/v1/watches/{watch_id}" in document["paths"]
