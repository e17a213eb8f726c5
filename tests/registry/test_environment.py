"""The default destinations that the environment describes."""

from __future__ import annotations

import pytest

from bridge.errors import ConfigurationError
from bridge.registry.destinations import default_rows
from bridge.registry.environment import default_destinations, email_defaults
from bridge.secrets import SecretBox
from bridge.settings import Settings, load_settings
from tests.parts import MASTER

SLACK = {"BRIDGE_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x"}
CALLBACK = {"BRIDGE_CALLBACK_URL": "http://hooks.internal:9000/done?token=private"}
MAIL = {"BRIDGE_EMAIL_WEBHOOK_URL": "http://n8n.internal/mail", "BRIDGE_EMAIL_TO": "a@example.com, b@example.com"}


def settings(*groups: dict[str, str]) -> Settings:
    return load_settings({name: value for group in groups for name, value in group.items()}, None)


def problems(*groups: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        default_destinations(settings(*groups))
    return caught.value.problems


def test_an_empty_environment_describes_none() -> None:
    assert default_destinations(settings()) == {}


def test_each_has_the_name_of_what_it_is() -> None:
    described = default_destinations(settings(SLACK, CALLBACK, MAIL))
    assert {name: body.kind for name, body in described.items()} == {
        "slack": "slack",
        "callback": "callback",
        "email": "email-webhook",
    }


def test_they_may_be_anywhere() -> None:
    described = default_destinations(settings(CALLBACK, MAIL))
    assert [body.url for body in described.values()] == [
        "http://hooks.internal:9000/done?token=private",
        "http://n8n.internal/mail",
    ]


def test_their_rows_are_default_ones_of_the_operator() -> None:
    rows = default_rows(SecretBox([MASTER]), default_destinations(settings(SLACK, CALLBACK)), 5.0, {"slack": "dest_1"})
    assert [(row.name, row.origin, row.is_default) for row in rows] == [
        ("slack", "environment", True),
        ("callback", "environment", True),
    ]
    assert rows[0].id == "dest_1" != rows[1].id
    assert [row.shown_url for row in rows] == ["https://hooks.slack.com", "http://hooks.internal:9000/done"]


def test_mail_goes_to_all_that_are_named_from_whom_is_named() -> None:
    more = {"BRIDGE_EMAIL_FROM": "Bridge <b@example.com>", "BRIDGE_EMAIL_API_KEY": "k3y"}
    assert email_defaults(settings(MAIL, more)).api_key == "k3y"
    described = default_destinations(settings(MAIL, more))["email"]
    dumped = described.model_dump(by_alias=True)
    assert (dumped["to"], dumped["from"]) == (["a@example.com", "b@example.com"], "Bridge <b@example.com>")


def test_the_url_of_mail_is_kept_as_it_is_dialled() -> None:
    odd = {"BRIDGE_EMAIL_WEBHOOK_URL": "HTTPS://Mail.Example:443/a b".replace(" ", "%20")}
    assert email_defaults(settings(MAIL, odd)).url == "https://mail.example/a%20b"


def test_all_that_cannot_be_used_is_reported_together_by_its_variable() -> None:
    wrong = {
        "BRIDGE_SLACK_WEBHOOK_URL": "https://hooks.slack.com/nothing",
        "BRIDGE_CALLBACK_URL": "https://0x7f000001/",
        "BRIDGE_EMAIL_PRESET": "resend",
    }
    slack, callback, mail, _ = problems(MAIL, wrong)
    assert slack.startswith("BRIDGE_SLACK_WEBHOOK_URL: this is no incoming webhook")
    assert callback.startswith("BRIDGE_CALLBACK_URL: ")
    assert "BRIDGE_EMAIL_FROM" in mail


def test_all_that_a_mail_service_lacks_is_reported() -> None:
    sender, key = problems(MAIL, {"BRIDGE_EMAIL_PRESET": "resend"})
    assert sender.startswith("BRIDGE_EMAIL_FROM must be set because BRIDGE_EMAIL_PRESET is resend")
    assert key.startswith("BRIDGE_EMAIL_API_KEY must be set because BRIDGE_EMAIL_PRESET is resend")
    (odd,) = problems({**MAIL, "BRIDGE_EMAIL_WEBHOOK_URL": "https://1.2.3/"})
    assert odd.startswith("BRIDGE_EMAIL_WEBHOOK_URL: ")


def test_what_is_wrong_with_addresses_is_reported_by_their_variable() -> None:
    sender, recipients = problems(
        MAIL, {"BRIDGE_EMAIL_TO": "a@example.com, b@ü.de", "BRIDGE_EMAIL_FROM": "a:b@example.com"}
    )
    assert sender.startswith("BRIDGE_EMAIL_FROM: 'a:b@example.com' is not an e-mail address")
    assert recipients.startswith("BRIDGE_EMAIL_TO: 'b@ü.de' is not ASCII")
    many = ", ".join(f"a{number}@example.com" for number in range(51))
    (problem,) = problems(MAIL, {"BRIDGE_EMAIL_TO": many})
    assert problem == "BRIDGE_EMAIL_TO: at most 50 addresses can be written to at once."


def test_no_problem_shows_the_secret_url() -> None:
    (problem,) = problems({"BRIDGE_SLACK_WEBHOOK_URL": "https://hooks.slack.com/s3cr3t"})
    assert "s3cr3t" not in problem
