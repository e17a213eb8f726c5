from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.connection import Connection, read_connection
from bridge.errors import ConfigurationError

KEY = "k" * 20


def problems_of(environ: dict[str, str], dotenv: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        read_connection(environ, dotenv)
    return caught.value.problems


def test_without_any_setting_it_is_the_server_on_this_machine(tmp_path: Path) -> None:
    assert read_connection({}, tmp_path / ".env") == Connection("http://127.0.0.1:8080", None)


def test_the_environment_names_server_and_key(tmp_path: Path) -> None:
    environ = {"BRIDGE_URL": "https://bridge.example.com/base/", "BRIDGE_API_KEY": KEY}
    assert read_connection(environ, tmp_path / ".env") == Connection("https://bridge.example.com/base", KEY)


def test_dotenv_fills_what_the_environment_leaves_open(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"BRIDGE_URL=http://other:1\nBRIDGE_API_KEY='{KEY}'\n")
    assert read_connection({"BRIDGE_URL": "http://this:2"}, dotenv) == Connection("http://this:2", KEY)


def test_a_key_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert read_connection({"BRIDGE_API_KEY_FILE": str(tmp_path / "key")}, tmp_path / ".env").api_key == KEY


def test_a_key_and_a_key_file_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    environ = {"BRIDGE_API_KEY": KEY, "BRIDGE_API_KEY_FILE": str(tmp_path / "key")}
    assert problems_of(environ, tmp_path / ".env") == (
        "BRIDGE_API_KEY and BRIDGE_API_KEY_FILE are both set: keep one of them.",
    )


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    problems = problems_of({"BRIDGE_URL": "localhost:8080", "BRIDGE_API_KEY": "two words"}, tmp_path / ".env")
    assert [problem.split(" ")[0] for problem in problems] == ["BRIDGE_URL", "BRIDGE_API_KEY"]


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    assert KEY not in repr(Connection(api_key=KEY))
    assert "two words" not in str(problems_of({"BRIDGE_API_KEY": "two words"}, tmp_path / ".env"))


def test_the_servers_own_problems_do_not_stop_a_client(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY_FILE": "/nowhere", "BRIDGE_API_KEYS_FILE": "/nowhere", "BRIDGE_PORT": "tcp://1"}
    assert read_connection(environ, tmp_path / ".env") == Connection()


def test_a_dotenv_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"BRIDGE_URL=\xff\xfe")
    assert ".env cannot be read" in problems_of({}, tmp_path / ".env")[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost", "https://[::1]:8080", "http://127.9.9.9"])
def test_this_machine_is_recognised(url: str) -> None:
    assert Connection(url).loopback


@pytest.mark.parametrize("url", ["http://192.168.0.1", "https://bridge.example.com", "http://localhost.example.com"])
def test_other_machines_are_not_this_one(url: str) -> None:
    assert not Connection(url).loopback
