from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli import app
from tests.cli.conftest import Environ
from tests.parts import sql
from tests.test_rotation import NEW, OLD, filled


@pytest.fixture(autouse=True)
def _nobody_elsewhere_is_asked(environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is one that is not there, and is waited for as long as a busy machine takes to say so."""
    environ["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
    monkeypatch.setattr("bridge.cli.check._PATIENCE", 30.0)


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments], catch_exceptions=False, prog_name="video-bridge")


def test_a_good_configuration_is_shown_as_a_table(environ: Environ) -> None:
    environ["BRIDGE_POLL_RATE"] = "5"
    result = check()
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert result.exit_code == 0
    assert (rows["BRIDGE_POLL_RATE"], rows["BRIDGE_PORT"]) == (["5", "environment"], ["8080", "default"])
    assert result.stderr.endswith("The configuration is good.\n")


def test_warnings_do_not_make_it_bad(environ: Environ) -> None:
    environ["BRIDGE_POLL_RAT"] = "5"
    result = check()
    assert result.exit_code == 0
    assert "Warning: BRIDGE_POLL_RAT is not a known setting; did you mean BRIDGE_POLL_RATE?" in result.stderr


def test_all_problems_are_reported_and_end_with_2(environ: Environ) -> None:
    environ.update({"BRIDGE_PORT": "many", "BRIDGE_LOST_GRACE": "long"})
    result = check()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("Error: BRIDGE_") == 2


def test_a_default_destination_that_serve_would_refuse_is_a_problem(environ: Environ) -> None:
    environ["BRIDGE_SLACK_WEBHOOK_URL"] = "https://hooks.slack.com/nothing"
    result = check()
    assert result.exit_code == 2
    assert "Error: BRIDGE_SLACK_WEBHOOK_URL: this is no incoming webhook" in result.stderr
    environ.pop("BRIDGE_SLACK_WEBHOOK_URL")
    environ.update(BRIDGE_EMAIL_WEBHOOK_URL="https://mail.example/", BRIDGE_EMAIL_TO="a@example.com")
    environ.update(BRIDGE_EMAIL_PRESET="resend", BRIDGE_EMAIL_FROM="b@example.com")
    assert "BRIDGE_EMAIL_API_KEY" in check().stderr


def test_destinations_are_reported_together_with_all_the_rest(environ: Environ) -> None:
    environ.update(BRIDGE_POLL_RATE="0", BRIDGE_CALLBACK_URL="ftp://example.com/")
    environ.update(BRIDGE_SLACK_WEBHOOK_URL="https://hooks.slack.com/nothing", BRIDGE_EMAIL_PRESET="resend")
    environ.update(BRIDGE_EMAIL_WEBHOOK_URL="https://mail.example/", BRIDGE_EMAIL_TO="a@example.com")
    said = [line for line in check().stderr.splitlines() if line.startswith("Error: ")]
    assert {line.split()[1].strip(":") for line in said} == {
        "BRIDGE_POLL_RATE",
        "BRIDGE_CALLBACK_URL",
        "BRIDGE_SLACK_WEBHOOK_URL",
        "BRIDGE_EMAIL_FROM",
        "BRIDGE_EMAIL_API_KEY",
    }
    assert len(said) == 5


def test_values_come_from_dotenv_too(folder: Path) -> None:
    (folder / ".env").write_text("BRIDGE_WATCH_TIMEOUT=60\n")
    assert ["BRIDGE_WATCH_TIMEOUT", "60", ".env"] in [line.split() for line in check().stdout.splitlines()]


def test_secrets_are_not_shown(environ: Environ) -> None:
    environ["OPENAI_API_KEY"] = "sk-secret-secret"
    assert "sk-secret" not in check().output + check("--json").output


def test_a_database_that_cannot_be_used_is_a_problem(environ: Environ, folder: Path) -> None:
    (folder / "bridge.db").write_text("This is no database, it is a text that is longer than a header." * 20)
    result = check()
    assert result.exit_code == 2
    assert "Error: BRIDGE_DATABASE_URL: " in result.stderr


def test_a_folder_that_is_not_there_is_a_problem(environ: Environ, folder: Path) -> None:
    environ["BRIDGE_DATABASE_URL"] = f"sqlite:///{folder}/nowhere/bridge.db"
    assert check().exit_code == 2


def test_a_key_that_does_not_open_the_database_is_a_problem_before_serve_says_so(
    environ: Environ, folder: Path
) -> None:
    asyncio.run(filled(folder, 1))
    for keys, exit_code in ((NEW, 2), (f"{NEW},{OLD}", 0)):
        environ["BRIDGE_SECRET_KEY"] = keys
        assert check().exit_code == exit_code
    environ["BRIDGE_SECRET_KEY"] = NEW
    assert "BRIDGE_SECRET_KEY: the key does not fit the database" in " ".join(check().stderr.split())


def test_the_key_file_of_another_database_is_named_and_not_the_variable(folder: Path) -> None:
    asyncio.run(filled(folder, 1))
    (folder / "bridge.db.key").write_text(NEW)
    said = "".join(check().stderr.split())
    assert f"akeythatthekeyfile{folder}/bridge.db.keydoesnothold" in said
    assert "BRIDGE_SECRET_KEYdoesnothold" not in said


def test_a_key_that_is_lost_is_a_problem_and_no_new_one_is_made(folder: Path) -> None:
    asyncio.run(filled(folder, 1))
    result = check()
    assert result.exit_code == 2
    assert "was encrypted with a key that is not here" in " ".join(result.stderr.split())
    assert not (folder / "bridge.db.key").exists()


def test_a_destination_that_waits_for_a_key_left_out_is_a_problem(environ: Environ, folder: Path) -> None:
    asyncio.run(filled(folder, 2))
    environ["BRIDGE_SECRET_KEY"] = OLD
    sql(folder, "UPDATE destinations SET config_key = '00000000' WHERE name = 'number-1'")
    result = check()
    assert result.exit_code == 2
    assert "another one encrypted 1 of its destinations" in " ".join(result.stderr.split())


def test_a_key_file_that_holds_none_is_a_problem(folder: Path) -> None:
    (folder / "bridge.db.key").write_text("short")
    assert check().exit_code == 2


def test_looking_at_a_database_with_its_key_leaves_no_trace(environ: Environ, folder: Path) -> None:
    asyncio.run(filled(folder, 1))
    environ["BRIDGE_SECRET_KEY"] = OLD
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert check().exit_code == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_nothing_is_created(folder: Path) -> None:
    assert check().exit_code == 0
    assert list(folder.iterdir()) == []


def test_json_says_the_same(environ: Environ) -> None:
    environ["OPENAI_BASE_URL"] = "http://127.0.0.1:8090/v1"
    findings = json.loads(check("--json").stdout)
    assert (findings["ok"], findings["warnings"], findings["problems"]) == (True, [], [])
    assert {"variable": "BRIDGE_PORT", "value": "8080", "source": "default"} in findings["variables"]


def test_json_of_a_bad_configuration_has_the_problems(environ: Environ) -> None:
    environ["BRIDGE_PORT"] = "many"
    result = check("--json")
    findings = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (2, "")
    assert (findings["ok"], len(findings["problems"]), findings["variables"]) == (False, 1, [])


def test_the_table_fits_the_terminal(environ: Environ) -> None:
    environ["COLUMNS"] = "80"
    assert max(map(len, check().stdout.splitlines())) <= 80


def test_a_provider_that_is_not_there_is_a_warning_and_no_problem() -> None:
    result = check()
    assert result.exit_code == 0
    assert "Warning: provider openai: it cannot be reached (connect: 127.0.0.1, port 9: " in result.stderr
    (provider,) = json.loads(check("--json").stdout)["providers"]
    assert (provider["name"], provider["status"]) == ("openai", None)
