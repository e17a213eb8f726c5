from __future__ import annotations

import pytest

from bridge.settings import urls
from tests.settings.helpers import load, problem

BROKEN = [
    "hush.example",
    "ftp://hush.example",
    "https:hush",
    "https:///hush",
    "https://hush:x/",
    "https://hush:0/",
    "https://[hush/",
]
ODD = ["https://hu sh.example", "https://example.com/hush\nb", "https://example.com\\@hush.example"]


@pytest.mark.parametrize("url", BROKEN + ODD)
@pytest.mark.parametrize(
    "variable",
    [
        "BRIDGE_PUBLIC_URL",
        "BRIDGE_CALLBACK_URL",
        "BRIDGE_SLACK_WEBHOOK_URL",
        "BRIDGE_EMAIL_WEBHOOK_URL",
        "BRIDGE_EGRESS_PROXY",
    ],
)
def test_what_is_no_url_is_refused_without_being_quoted(variable: str, url: str) -> None:
    sentence = problem(**{variable: url})
    assert sentence.startswith(f"{variable} must be an http or https URL with a host")
    assert "hush" not in sentence


def test_a_server_url_loses_its_trailing_slashes() -> None:
    assert urls.server_url("http://127.0.0.1:8000/v1//") == "http://127.0.0.1:8000/v1"
    assert urls.server_url("https://[::1]:1") == "https://[::1]:1"


@pytest.mark.parametrize("tail", ["?a=1", "?", "#x", "#"])
def test_a_server_url_ends_with_its_path(tail: str) -> None:
    assert problem(BRIDGE_PUBLIC_URL=f"https://example.com/x{tail}") == (
        "BRIDGE_PUBLIC_URL must end with the path, without `?` and `#`."
    )


@pytest.mark.parametrize("variable", ["BRIDGE_PUBLIC_URL", "BRIDGE_CALLBACK_URL"])
@pytest.mark.parametrize("user", ["me", "me:pw", ":pw", ""])
def test_user_names_in_urls_are_refused(variable: str, user: str) -> None:
    sentence = problem(**{variable: f"https://{user}@example.com/"})
    assert sentence == f"{variable} must not have a user name or password in it."


def test_a_destination_may_have_a_query_but_no_fragment() -> None:
    assert load(BRIDGE_CALLBACK_URL="http://10.0.0.1/hook?key=1").callback_url == "http://10.0.0.1/hook?key=1"
    assert "`#`" in problem(BRIDGE_CALLBACK_URL="https://example.com/#x")


def test_a_url_has_at_most_2048_characters() -> None:
    url = "https://example.com/"
    assert load(BRIDGE_CALLBACK_URL=url.ljust(2048, "x")).callback_url
    assert problem(BRIDGE_CALLBACK_URL=url.ljust(2049, "x")).endswith("at most 2,048 characters, not 2,049.")


@pytest.mark.parametrize("kind", ["triggers", "workflows"])
def test_a_slack_workflow_is_refused_with_the_reason(kind: str) -> None:
    sentence = problem(BRIDGE_SLACK_WEBHOOK_URL=f"https://hooks.slack.com/{kind}/T0/1/abc")
    assert sentence.startswith("BRIDGE_SLACK_WEBHOOK_URL is the URL of a workflow")
    assert "incoming webhook" in sentence
    assert "abc" not in sentence


def test_slack_needs_https_except_on_this_machine() -> None:
    assert problem(BRIDGE_SLACK_WEBHOOK_URL="http://hooks.slack.com/services/x").endswith("must be an https URL.")
    settings = load(BRIDGE_SLACK_WEBHOOK_URL="http://127.0.0.1:9/services/x")
    assert settings.slack_webhook_url is not None
    assert settings.slack_webhook_url.get_secret_value() == "http://127.0.0.1:9/services/x"


def test_a_proxy_may_ask_for_a_password() -> None:
    assert load(BRIDGE_EGRESS_PROXY="http://me:pw@10.0.0.1:3128/").egress_proxy == "http://me:pw@10.0.0.1:3128"


@pytest.mark.parametrize("tail", ["/path", "/?x=1", "/#x"])
def test_a_proxy_has_no_path(tail: str) -> None:
    assert problem(BRIDGE_EGRESS_PROXY=f"http://10.0.0.1:3128{tail}").endswith(
        "must end with the port, without a path."
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/hook?key=1#x", "https://example.com/hook"),
        ("postgresql://me:p%40w@db:5432/bridge?sslmode=require", "postgresql://db:5432/bridge"),
        ("http://me:pw@[::1]:1", "http://[::1]:1"),
    ],
)
def test_people_see_scheme_host_and_path(url: str, shown: str) -> None:
    assert urls.shown(url) == shown
