from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.settings import Settings, load_settings
from bridge.settings.variables import FIELDS, OPENAI_DETAILS, PROVIDER_DETAILS
from tests.settings.helpers import BASE64_KEY, KEY, complaint, load, problem, problems

SECRETS = (
    "OPENAI_API_KEY",
    "OPENAI_WEBHOOK_SECRET",
    "BRIDGE_API_KEYS",
    "BRIDGE_SECRET_KEY",
    "BRIDGE_CALLBACK_SECRET",
    "BRIDGE_SLACK_WEBHOOK_URL",
    "BRIDGE_EMAIL_API_KEY",
    "BRIDGE_CALLBACK_URL",
    "BRIDGE_EMAIL_WEBHOOK_URL",
    "BRIDGE_DATABASE_URL",
    "BRIDGE_EGRESS_PROXY",
    "BRIDGE_PROVIDERS__OPENAI__HEADERS",
    "BRIDGE_PROVIDERS__OPENAI__QUERY",
    "BRIDGE_PROVIDERS__OPENAI__BASE_URL",
)

VARIABLES = (*FIELDS, *OPENAI_DETAILS, *(f"BRIDGE_PROVIDERS__X__{detail}" for detail in PROVIDER_DETAILS))
VARIABLES += tuple(f"{variable}_FILE" for variable in VARIABLES)
LETTERS = st.characters(blacklist_categories=["Cs"])


def test_nothing_needs_to_be_set() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8080, "sqlite:///bridge.db")
    assert (settings.poll_rate, settings.poll_min_interval, settings.poll_max_interval) == (20, 1, 30)
    assert (settings.watch_timeout, settings.lost_grace, settings.delivery_timeout) == (86_400, 60, 15)
    assert (settings.log_format, settings.log_level, settings.email_preset) == (None, "info", "flat")


def test_the_default_retries_are_twelve_over_about_71_hours() -> None:
    retries = load().delivery_retries
    assert len(retries) == 12
    assert round(sum(retries) / 3600) == 71


def test_every_variable_reaches_its_field() -> None:
    settings = load(
        BRIDGE_HOST="::1",
        BRIDGE_PORT="0",
        BRIDGE_PUBLIC_URL="https://bridge.example.com/",
        BRIDGE_EMAIL_TO="a@example.com, b@example.com",
        BRIDGE_DELIVERY_RETRIES="1, 2.5",
        BRIDGE_LOG_FORMAT="JSON",
        BRIDGE_WATCH_TIMEOUT="60",
    )
    assert (settings.host, settings.port, settings.public_url) == ("::1", 0, "https://bridge.example.com")
    assert settings.email_to == ("a@example.com", "b@example.com")
    assert (settings.delivery_retries, settings.log_format, settings.watch_timeout) == ((1, 2.5), "json", 60)


def test_all_problems_are_told_at_once_each_with_its_variable() -> None:
    found = problems(
        BRIDGE_PORT="web",
        BRIDGE_POLL_RATE="0",
        BRIDGE_PROVIDERS__AZURE__AUTH="basic",
        BRIDGE_DEFAULT_PROVIDER="aws",
        OPENAI_API_KEY="two words",
        BRIDGE_CA_FILE_FILE="/nowhere",
    )
    assert sorted(sentence.split()[0] for sentence in found) == [
        "BRIDGE_CA_FILE_FILE",
        "BRIDGE_DEFAULT_PROVIDER",
        "BRIDGE_POLL_RATE",
        "BRIDGE_PORT",
        "BRIDGE_PROVIDERS__AZURE__AUTH",
        "BRIDGE_PROVIDERS__AZURE__BASE_URL",
        "OPENAI_API_KEY",
    ]
    assert all(sentence.endswith(".") for sentence in found)


@pytest.mark.parametrize("variable", SECRETS)
@settings(max_examples=40)
@given(before=st.text(LETTERS), after=st.text(LETTERS))
def test_no_message_repeats_a_secret(variable: str, before: str, after: str) -> None:
    error = complaint(**{variable: f"{before}Zecret{after}"})
    if error is not None:
        assert "Zecret" not in str(error)
        assert (error.__cause__, error.__context__) == (None, None)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=30), max_size=5))
def test_whatever_is_set_there_are_settings_or_sentences(variables: dict[str, str]) -> None:
    error = complaint(**variables)
    if error is not None:
        assert error.problems
        assert all(
            sentence.startswith(("BRIDGE_", "OPENAI_")) and sentence.endswith(".") for sentence in error.problems
        )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_API_KEY", "sk-hush-hush"),
        ("OPENAI_WEBHOOK_SECRET", "hush-hush"),
        ("BRIDGE_API_KEYS", "ci:hush-hush-hush-hush:read"),
        ("BRIDGE_SECRET_KEY", "hush-" * 8),
        ("BRIDGE_CALLBACK_SECRET", "whsec_" + "hush" * 10),
        ("BRIDGE_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/hush"),
        ("BRIDGE_CALLBACK_URL", "https://example.com/?key=hush"),
        ("BRIDGE_EMAIL_WEBHOOK_URL", "https://example.com/hush"),
        ("BRIDGE_EMAIL_API_KEY", "hush-hush"),
        ("BRIDGE_EGRESS_PROXY", "http://me:hush@127.0.0.1:3128"),
        ("BRIDGE_PROVIDERS__OPENAI__HEADERS", '{"X-Key": "hush"}'),
        ("BRIDGE_PROVIDERS__OPENAI__QUERY", '{"key": "hush"}'),
    ],
)
def test_no_repr_shows_a_secret(variable: str, value: str) -> None:
    settings = load(**{variable: value, "BRIDGE_EMAIL_TO": "a@example.com"})
    assert "hush" not in repr(settings)
    assert "hush" not in repr(settings.found)


def test_settings_cannot_be_changed() -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.providers["other"] = settings.providers["openai"]  # type: ignore[index]


def test_settings_can_be_dumped_without_their_sources() -> None:
    dumped = load(OPENAI_API_KEY="sk-1").model_dump()
    assert dumped["providers"]["openai"]["base_url"] == "https://api.openai.com/v1"
    assert "found" not in dumped


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("BRIDGE_", "OPENAI_")):  # whoever runs the tests may have a bridge of his own
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_PORT", "8181")
    (tmp_path / ".env").write_text("BRIDGE_HOST=127.0.0.9\n")
    settings = load_settings()
    assert (settings.port, settings.host) == (8181, "127.0.0.9")


def test_settings_read_nothing_behind_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    assert Settings(providers={}, default_provider="openai").port == 8080


def test_the_end_of_openais_own_api_is_a_warning() -> None:
    (warning,) = load().warnings
    assert "2026-09-24" in warning
    assert load(OPENAI_BASE_URL="http://127.0.0.1:8000/v1").warnings == ()


def test_email_without_a_service_is_a_warning() -> None:
    warnings = load(BRIDGE_EMAIL_TO="a@example.com").warnings
    assert any("BRIDGE_EMAIL_WEBHOOK_URL" in warning for warning in warnings)


def test_an_empty_list_of_retries_means_one_attempt_and_is_a_warning() -> None:
    settings = load(BRIDGE_DELIVERY_RETRIES="")
    assert settings.delivery_retries == ()
    assert any("BRIDGE_DELIVERY_RETRIES" in warning for warning in settings.warnings)


def test_without_keys_only_loopback_is_served() -> None:
    sentence = problem(BRIDGE_HOST="0.0.0.0")
    assert sentence.startswith("BRIDGE_API_KEYS ")
    assert "BRIDGE_HOST" in sentence
    assert load(BRIDGE_HOST="0.0.0.0", BRIDGE_API_KEYS=KEY).needs_key


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_loopback_needs_no_keys(host: str) -> None:
    assert load(BRIDGE_HOST=host).open_mode


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", "localhost.example.com", "127.1"])
def test_other_hosts_need_keys(host: str) -> None:
    assert "BRIDGE_API_KEYS" in problem(BRIDGE_HOST=host)


def test_postgresql_needs_a_secret_key() -> None:
    url = "postgresql://me:pw@db/bridge"
    assert problem(BRIDGE_DATABASE_URL=url).startswith("BRIDGE_SECRET_KEY must be set because BRIDGE_DATABASE_URL")
    settings = load(BRIDGE_DATABASE_URL=url, BRIDGE_SECRET_KEY="s" * 32)
    assert (settings.database_kind, settings.database_file) == ("postgresql", None)


def test_a_sqlite_url_names_a_file() -> None:
    assert load().database_file == Path("bridge.db")
    assert load(BRIDGE_DATABASE_URL="sqlite:////var/lib/b.db").database_file == Path("/var/lib/b.db")
    assert load().database_kind == "sqlite"


def test_the_shortest_interval_must_not_exceed_the_longest() -> None:
    sentence = problem(BRIDGE_POLL_MIN_INTERVAL="31", BRIDGE_POLL_MAX_INTERVAL="30")
    assert sentence.startswith("BRIDGE_POLL_MAX_INTERVAL")
    assert "BRIDGE_POLL_MIN_INTERVAL" in sentence
    assert load(BRIDGE_POLL_MIN_INTERVAL="30").poll_min_interval == 30


def test_a_bound_left_at_its_default_gives_way_to_the_other() -> None:
    quick = load(BRIDGE_POLL_MAX_INTERVAL="0.2")
    assert (quick.poll_min_interval, quick.poll_max_interval) == (0.2, 0.2)
    slow = load(BRIDGE_POLL_MIN_INTERVAL="60")
    assert (slow.poll_min_interval, slow.poll_max_interval) == (60, 60)


def test_a_rule_about_two_variables_waits_for_both_to_be_readable() -> None:
    assert problem(BRIDGE_POLL_MIN_INTERVAL="x").startswith("BRIDGE_POLL_MIN_INTERVAL")
    assert problem(BRIDGE_HOST="not a host").startswith("BRIDGE_HOST")
    assert problem(BRIDGE_DATABASE_URL="mysql://x").startswith("BRIDGE_DATABASE_URL")


def test_secrets_are_handed_on_whole() -> None:
    settings = load(BRIDGE_CALLBACK_SECRET=BASE64_KEY, BRIDGE_SECRET_KEY=f"{'a' * 32},{'b' * 32}")
    assert settings.callback_secret is not None
    assert settings.callback_secret.get_secret_value() == BASE64_KEY
    assert [key.get_secret_value() for key in settings.secret_keys] == ["a" * 32, "b" * 32]
