from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import ConfigurationError
from bridge.settings import load_settings
from bridge.settings.sources import read_variables
from tests.settings.helpers import KEY, load, problem, problems


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def write(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


def test_a_missing_dotenv_is_no_problem(dotenv: Path) -> None:
    assert load_settings({}, dotenv).port == 8080


def test_the_environment_wins_over_dotenv(dotenv: Path) -> None:
    dotenv.write_text("BRIDGE_PORT=1111\nBRIDGE_HOST=127.0.0.2\nDJANGO_SECRET=not-ours\n")
    settings = load_settings({"BRIDGE_PORT": "2222"}, dotenv)
    assert (settings.port, settings.host) == (2222, "127.0.0.2")


def test_an_empty_variable_of_the_environment_unsets_the_one_in_dotenv(dotenv: Path) -> None:
    dotenv.write_text("BRIDGE_CALLBACK_URL=https://example.com/hook\n")
    assert load_settings({"BRIDGE_CALLBACK_URL": ""}, dotenv).callback_url is None


def test_dotenv_may_hold_quotes_json_comments_and_names_without_a_value(dotenv: Path) -> None:
    dotenv.write_text(
        "# ours\nexport BRIDGE_EMAIL_FROM='Bridge <b@example.com>'\nBRIDGE_PORT=81 # why not\nBRIDGE_HOST\n"
        'BRIDGE_PROVIDERS__OPENAI__HEADERS={"OpenAI-Project": "proj_1"}\n'
    )
    settings = load_settings({}, dotenv)
    assert (settings.email_from, settings.port, settings.host) == ("Bridge <b@example.com>", 81, "127.0.0.1")
    assert settings.providers["openai"].headers == {"OpenAI-Project": "proj_1"}


def test_dotenv_may_start_with_a_byte_order_mark(dotenv: Path) -> None:
    dotenv.write_bytes(b"\xef\xbb\xbfBRIDGE_PORT=82\r\n")
    assert load_settings({}, dotenv).port == 82


def test_a_dotenv_that_is_no_text_is_a_problem_that_quotes_nothing(dotenv: Path) -> None:
    dotenv.write_bytes(b"BRIDGE_PORT=\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read: it is not UTF-8"):
        load_settings({}, dotenv)


def test_a_folder_called_dotenv_is_ignored(dotenv: Path) -> None:
    dotenv.mkdir()
    assert load_settings({}, dotenv).port == 8080


def test_case_matters_in_dotenv_as_it_does_in_the_environment(dotenv: Path) -> None:
    dotenv.write_text("bridge_port=83\n")
    settings = load_settings({}, dotenv)
    assert settings.port == 8080
    assert "bridge_port is not a known setting; did you mean BRIDGE_PORT?" in settings.warnings


@pytest.mark.parametrize("content", ["sk-1\n", "sk-1\r\n", "sk-1"])
def test_a_file_holds_the_value_without_its_trailing_newline(tmp_path: Path, content: str) -> None:
    settings = load(OPENAI_API_KEY_FILE=write(tmp_path / "key", content))
    key = settings.providers["openai"].api_key
    assert key is not None
    assert key.get_secret_value() == "sk-1"


def test_only_one_newline_is_taken_off(tmp_path: Path) -> None:
    assert "OPENAI_API_KEY" in problem(OPENAI_API_KEY_FILE=write(tmp_path / "key", "sk-1\n\n"))


def test_details_of_providers_can_stand_in_files(tmp_path: Path) -> None:
    settings = load(
        BRIDGE_PROVIDERS__X__BASE_URL="http://x.example/v1",
        BRIDGE_PROVIDERS__X__API_KEY_FILE=write(tmp_path / "key", "sk-x"),
    )
    assert settings.providers["x"].api_key is not None


def test_a_value_and_a_file_at_once_are_an_error(tmp_path: Path) -> None:
    sentence = problem(BRIDGE_API_KEYS=KEY, BRIDGE_API_KEYS_FILE=write(tmp_path / "keys", KEY))
    assert sentence == "BRIDGE_API_KEYS and BRIDGE_API_KEYS_FILE are both set: keep one of them."


def test_they_are_an_error_in_two_places_too(tmp_path: Path, dotenv: Path) -> None:
    dotenv.write_text(f"BRIDGE_API_KEYS={KEY}\n")
    with pytest.raises(ConfigurationError, match="both set"):
        load_settings({"BRIDGE_API_KEYS_FILE": write(tmp_path / "keys", KEY)}, dotenv)


def test_an_empty_value_beside_a_file_is_none(tmp_path: Path) -> None:
    retries = write(tmp_path / "retries", "1,2")
    settings = load(BRIDGE_DELIVERY_RETRIES="", BRIDGE_DELIVERY_RETRIES_FILE=retries, BRIDGE_API_KEYS_FILE="")
    assert settings.delivery_retries == (1, 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "it is empty"), (b"\n", "it is empty"), (b"\xff", "it is not UTF-8")],
)
def test_a_file_that_gives_no_value_is_the_only_problem_reported(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    sentence = problem(BRIDGE_HOST="0.0.0.0", BRIDGE_API_KEYS_FILE=str(path))
    assert sentence.startswith("BRIDGE_API_KEYS_FILE ")
    assert reason in sentence


def test_an_impossible_file_name_is_a_problem() -> None:
    assert problem(OPENAI_API_KEY_FILE="a\0b").startswith("OPENAI_API_KEY_FILE must name a readable text file")


def test_bytes_that_are_no_text_are_the_only_problem_reported() -> None:
    value = b"\xff".decode("utf-8", "surrogateescape") * 16
    assert problem(BRIDGE_HOST="0.0.0.0", BRIDGE_API_KEYS=value) == "BRIDGE_API_KEYS must be UTF-8 text."


def test_an_unreadable_base_url_does_not_count_as_missing(tmp_path: Path) -> None:
    found = problems(BRIDGE_PROVIDERS__X__BASE_URL_FILE=str(tmp_path / "none"), BRIDGE_DEFAULT_PROVIDER="x")
    assert [sentence.split()[0] for sentence in found] == ["BRIDGE_PROVIDERS__X__BASE_URL_FILE"]


def test_every_value_remembers_where_it_stood(tmp_path: Path, dotenv: Path) -> None:
    dotenv.write_text("BRIDGE_PORT=1\n")
    environ = {"BRIDGE_HOST": "localhost", "OPENAI_API_KEY_FILE": write(tmp_path / "key", "sk-1")}
    found = read_variables(environ, dotenv).found
    assert {name: one.source for name, one in found.items()} == {
        "BRIDGE_PORT": ".env",
        "BRIDGE_HOST": "environment",
        "OPENAI_API_KEY": "file",
    }


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BRIDGE_PROT", "BRIDGE_PORT"),
        ("BRIDGE_APIKEYS", "BRIDGE_API_KEYS"),
        ("BRIDGE_DATABASE_URI", "BRIDGE_DATABASE_URL"),
        ("BRIDGE_SECRET_KEYS_FILE", "BRIDGE_SECRET_KEY_FILE"),
        ("BRIDGE_PROVIDERS__AZURE__BASEURL", "BRIDGE_PROVIDERS__AZURE__BASE_URL"),
        ("BRIDGE_PROVIDERS__azure__api_key", "BRIDGE_PROVIDERS__AZURE__API_KEY"),
    ],
)
def test_a_misspelt_name_is_a_warning_with_a_suggestion(name: str, meant: str) -> None:
    assert f"{name} is not a known setting; did you mean {meant}?" in load(**{name: "8080-hush"}).warnings


@pytest.mark.parametrize(
    "name", ["BRIDGE_COLOUR", "BRIDGE_PROVIDERS__", "BRIDGE_PROVIDERS__X", "BRIDGE_CA_FILE_FILE_FILE"]
)
def test_an_unknown_name_is_a_warning(name: str) -> None:
    warnings = load(**{name: "hush"}).warnings
    assert any(warning.startswith(f"{name} is not a known setting") for warning in warnings)
    assert "hush" not in str(warnings)


@pytest.mark.parametrize(
    "name", ["BRIDGE_TEST_POSTGRES_URL", "BRIDGE_URL", "BRIDGE_API_KEY_FILE", "OPENAI_ORG_ID", "PATH"]
)
def test_other_peoples_names_are_no_warning(name: str) -> None:
    assert not read_variables({name: "x"}, None).warnings
