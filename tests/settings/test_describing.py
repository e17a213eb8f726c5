from __future__ import annotations

from pathlib import Path

import pytest

from bridge.settings import describe, load_settings, secret_values
from bridge.settings.variables import FIELDS, OPENAI_DETAILS
from tests.settings.helpers import KEY, load


def told(**variables: str) -> dict[str, tuple[str, str]]:
    return {line.variable: (line.value, line.source) for line in describe(load(**variables))}


def test_every_variable_is_told_with_its_default() -> None:
    lines = told()
    assert list(lines) == [*OPENAI_DETAILS, *FIELDS]
    assert {source for _, source in lines.values()} == {"default"}
    assert lines["OPENAI_BASE_URL"][0] == "https://api.openai.com/v1"
    assert lines["BRIDGE_POLL_RATE"][0] == "20"
    assert lines["BRIDGE_DELIVERY_RETRIES"][0].startswith("5,30,120,")
    assert lines["BRIDGE_LOG_FORMAT"][0] == "not set"


def test_every_value_is_told_with_its_source(tmp_path: Path) -> None:
    dotenv, secret = tmp_path / ".env", tmp_path / "secret"
    dotenv.write_text("BRIDGE_PORT=0081\n")
    secret.write_text(KEY)
    settings = load_settings({"BRIDGE_HOST": "localhost", "BRIDGE_API_KEYS_FILE": str(secret)}, dotenv)
    assert ("BRIDGE_PORT", "0081", ".env") in describe(settings)
    assert ("BRIDGE_HOST", "localhost", "environment") in describe(settings)
    assert ("BRIDGE_API_KEYS", "set", "file") in describe(settings)


def test_providers_are_told_between_openais_and_the_rest() -> None:
    lines = told(
        BRIDGE_PROVIDERS__AZURE__BASE_URL="https://x.example/v1",
        BRIDGE_PROVIDERS__AZURE__API_KEY="k",
        BRIDGE_PROVIDERS__AZURE__HEADERS='{"X-Key": "hush"}',
    )
    assert list(lines)[2:5] == [f"BRIDGE_PROVIDERS__AZURE__{detail}" for detail in ("API_KEY", "BASE_URL", "HEADERS")]
    assert lines["BRIDGE_PROVIDERS__AZURE__BASE_URL"] == ("https://x.example/v1", "environment")
    assert lines["BRIDGE_PROVIDERS__AZURE__API_KEY"] == ("set", "environment")
    assert lines["BRIDGE_PROVIDERS__AZURE__HEADERS"] == ("set", "environment")
    assert lines["OPENAI_BASE_URL"] == ("not set", "default")
    assert lines["BRIDGE_DEFAULT_PROVIDER"] == ("azure", "default")


@pytest.mark.parametrize("where", ["OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "BRIDGE_EMAIL_API_KEY"])
def test_a_secret_is_only_set_or_not_set(where: str) -> None:
    assert told()[where] == ("not set", "default")
    assert told(**{where: "hush"})[where] == ("set", "environment")


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("BRIDGE_CALLBACK_URL", "https://example.com/hook?key=hush", "https://example.com/hook"),
        ("BRIDGE_EGRESS_PROXY", "http://me:hush@10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("BRIDGE_DATABASE_URL", "sqlite:///a#b.db", "sqlite:///a#b.db"),
        ("BRIDGE_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/hush", "set"),
    ],
)
def test_a_url_shows_neither_query_nor_password(variable: str, value: str, shown: str) -> None:
    assert told(**{variable: value})[variable][0] == shown


def test_the_secret_values_are_known_to_the_log() -> None:
    settings = load(
        OPENAI_API_KEY="sk-1",
        BRIDGE_API_KEYS=f"ci:{KEY}",
        BRIDGE_SECRET_KEY="s" * 32,
        BRIDGE_DATABASE_URL="postgresql://me:p%40ss@db/bridge",
        BRIDGE_EGRESS_PROXY="http://me:proxypass@10.0.0.1:3128",
        BRIDGE_EMAIL_API_KEY="re_1",
        BRIDGE_PROVIDERS__OPENAI__HEADERS='{"X-Key": "long-enough-a-key", "X-Version": "2"}',
    )
    texts = {"sk-1", KEY, "s" * 32, "p%40ss", "p@ss", "proxypass", "re_1", "long-enough-a-key"}
    assert secret_values(settings) == texts


def test_nothing_is_secret_about_the_defaults() -> None:
    assert secret_values(load()) == frozenset()
