from __future__ import annotations

from typer.testing import CliRunner, Result

from bridge.cli import app
from tests.cli.conftest import Environ


def serve(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["serve", *arguments], catch_exceptions=False, prog_name="video-bridge")


def test_every_problem_is_a_line_of_its_own(environ: Environ) -> None:
    environ.update({"BRIDGE_PORT": "many", "BRIDGE_LOST_GRACE": "long"})
    result = serve()
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split()[:2] for line in result.stderr.splitlines()] == [
        ["Error:", "BRIDGE_PORT"],
        ["Error:", "BRIDGE_LOST_GRACE"],
    ]


def test_the_host_of_the_command_line_is_checked_like_the_variable() -> None:
    result = serve("--host", "0.0.0.0", "--port", "0")
    assert result.exit_code == 2
    assert "BRIDGE_API_KEYS must be set because BRIDGE_HOST is '0.0.0.0'" in result.stderr


def test_the_port_of_the_command_line_wins(environ: Environ) -> None:
    environ["BRIDGE_PORT"] = "many"
    assert "BRIDGE_PORT" not in serve("--port", "0", "--host", "0.0.0.0").stderr


def test_a_port_beyond_all_ports_is_bad_usage() -> None:
    assert serve("--port", "65536").exit_code == 2
