from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from bridge.secrets import SecretBox
from tests.cli.conftest import Cli, Environ
from tests.cli.samples import SECRET, make_attempt, make_stored
from tests.cli.stub import StubBridge, error_object, refusal

SLACK = "https://hooks.slack.com/services/T/B/x"
MASTER = "k" * 32


@pytest.fixture(autouse=True)
def team(stub: StubBridge) -> None:
    stub.stored.add(make_stored())


def test_a_list_shows_each_destination_in_a_line(cli: Cli, stub: StubBridge) -> None:
    stub.stored.add(
        make_stored(id="dest_0", name="queue", kind="callback", default=True, url="https://example.com/hook"),
        make_stored(id="dest_1", name="gone", enabled=False, disabled_reason="gone"),
    )
    lines = cli("destinations", "list").stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["gone", "slack", "disabled:", "gone", "–", "https://hooks.slack.com"],
        ["team", "slack", "enabled", "–", "https://hooks.slack.com"],
        ["queue", "callback", "enabled", "yes", "https://example.com/hook"],
    ]


def test_a_list_as_json_is_the_list_of_the_api(cli: Cli) -> None:
    answer = json.loads(cli("destinations", "list", "--json").stdout)
    assert (answer["object"], answer["data"]) == ("list", [make_stored()])


def test_an_empty_list_says_how_to_begin(cli: Cli, stub: StubBridge) -> None:
    stub.stored.known.clear()
    result = cli("destinations", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`video-bridge destinations add` stores one" in result.stderr


def test_a_slack_url_comes_from_standard_input(cli: Cli, stub: StubBridge) -> None:
    result = cli("destinations", "add", "ops", "--slack", "-", "--default", input=f"{SLACK}\n")
    assert stub.asked[0].body == {"name": "ops", "kind": "slack", "url": SLACK, "default": True}
    assert (result.exit_code, result.stdout) == (0, "ops  slack https://hooks.slack.com  enabled  default\n")


def test_a_callback_shows_the_secret_that_signs_it(cli: Cli) -> None:
    result = cli("destinations", "add", "queue", "--callback-url", "https://example.com/hook")
    assert f"  {SECRET}" in result.stdout.splitlines()
    shown = json.loads(cli("destinations", "add", "q2", "--callback-url", "https://example.com/", "--json").stdout)
    assert shown["signing_secret"] == SECRET


def test_recipients_of_mail_are_stored_with_all_that_is_given(cli: Cli, stub: StubBridge, folder: Path) -> None:
    (folder / "key").write_text("re_private\n")
    people = ("--email", "a@example.com", "--email", "b@example.com", "--from", "bridge@example.com")
    cli("destinations", "add", "mail", *people, "--preset", "resend", "--api-key-file", "key", "--fallback", "team")
    assert stub.asked[0].body == {
        "name": "mail",
        "kind": "email-webhook",
        "to": ["a@example.com", "b@example.com"],
        "preset": "resend",
        "from": "bridge@example.com",
        "api_key": "re_private",
        "fallback": "team",
    }


def test_events_are_given_one_by_one_or_with_commas(cli: Cli, stub: StubBridge) -> None:
    events = ("--events", "video.completed, video.failed", "--events", "watch.lost")
    cli("destinations", "add", "queue", "--callback-url", "https://example.com/", *events)
    assert stub.asked[0].body["events"] == ["video.completed", "video.failed", "watch.lost"]


def test_a_refused_field_is_named_by_the_option_it_came_from(cli: Cli, stub: StubBridge, folder: Path) -> None:
    answer = error_object("the preset postmark needs an `api_key`", param="api_key")
    stub.fail_after(0, JSONResponse(answer, 400))
    result = cli("destinations", "add", "mail", "--email", "ann@example.com", "--preset", "postmark")
    assert result.exit_code == 2
    assert result.stderr == "Error: --api-key-file: the preset postmark needs an `--api-key-file`.\n"


def test_a_name_that_is_taken_is_a_failure(cli: Cli) -> None:
    result = cli("destinations", "add", "team", "--slack", SLACK)
    assert (result.exit_code, result.stderr) == (1, "Error: NAME: The name is taken.\n")


def test_what_the_server_finds_wrong_is_bad_usage(cli: Cli, stub: StubBridge) -> None:
    stub.fail_after(0, refusal(400, "It is no incoming webhook."))
    result = cli("destinations", "add", "x", "--slack", "https://hooks.slack.com/triggers/x")
    assert (result.exit_code, result.stderr) == (2, "Error: It is no incoming webhook.\n")


def test_a_test_that_does_not_arrive_is_a_failure(cli: Cli) -> None:
    result = cli("destinations", "test", "team")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["✗ not delivered: client_error  HTTP 404 in 12 ms", "  answer: no such hook"]


def test_a_test_that_arrives_is_success(cli: Cli, stub: StubBridge) -> None:
    stub.stored.attempt = make_attempt(outcome="delivered", reason=None, status=200, response="ok")
    result = cli("destinations", "test", "team")
    assert (result.exit_code, result.stdout) == (0, "✓ delivered  HTTP 200 in 12 ms\n")
    assert json.loads(cli("destinations", "test", "team", "--json").stdout) == stub.stored.attempt


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("timeout", "  hooks.slack.com: no answer in time\n"),
        ("dns", "  hooks.slack.com: no address is known for this name\n"),
        ("blocked_address", "  hooks.slack.com: this server may not send there; its log says why\n"),
        ("own_fault", ""),
    ],
)
def test_a_test_without_an_answer_says_of_whom_and_why(cli: Cli, stub: StubBridge, reason: str, said: str) -> None:
    stub.stored.attempt = make_attempt(outcome="retry", reason=reason, status=None, response=None)
    assert cli("destinations", "test", "team").stdout == f"✗ not delivered: {reason}  no answer in 12 ms\n{said}"


def test_one_is_disabled_and_enabled(cli: Cli, stub: StubBridge) -> None:
    assert cli("destinations", "disable", "team").stdout == "team  slack https://hooks.slack.com  disabled\n"
    assert json.loads(cli("destinations", "enable", "team", "--json").stdout)["enabled"] is True
    assert [(asked.method, asked.body) for asked in stub.asked] == [
        ("PATCH", {"enabled": False}),
        ("PATCH", {"enabled": True}),
    ]


def test_one_that_is_used_is_removed_by_force_only(cli: Cli, stub: StubBridge) -> None:
    stub.stored.used.add("team")
    refused = cli("destinations", "remove", "team")
    assert (refused.exit_code, "With --force it is deleted" in refused.stderr) == (1, True)
    removed = cli("destinations", "remove", "team", "--force")
    assert (removed.exit_code, removed.stderr) == (0, "team is deleted.\n")
    assert stub.asked[-1].query == {"force": "true"}
    assert json.loads(cli("destinations", "remove", "team", "--force", "--json").stdout)["deleted"] is True


def test_a_rotation_shows_the_new_secret_and_how_long_the_old_one_lasts(cli: Cli) -> None:
    result = cli("destinations", "rotate", "team")
    assert SECRET in result.stdout
    assert "for 24 hours" in result.stderr
    as_json = cli("destinations", "rotate", "team", "--json")
    assert (json.loads(as_json.stdout)["signing_secret"], as_json.stderr) == (SECRET, "")


@pytest.mark.parametrize("command", ["test", "enable", "disable", "remove", "rotate"])
def test_an_unknown_one_is_a_failure(cli: Cli, command: str) -> None:
    result = cli("destinations", command, "nobody")
    assert (result.exit_code, result.stderr) == (1, "Error: There is no such destination.\n")


def test_no_server_is_its_own_exit_code(cli: Cli, environ: Environ) -> None:
    environ["BRIDGE_URL"] = "http://127.0.0.1:9"
    assert cli("destinations", "list").exit_code == 3


def test_a_signing_secret_is_found_without_a_server(cli: Cli, stub: StubBridge, environ: Environ) -> None:
    environ["BRIDGE_SECRET_KEY"] = MASTER
    result = cli("destinations", "secret", "https://example.com/hook")
    (expected,) = SecretBox([MASTER]).callback_secrets("https://example.com/hook")
    assert (result.exit_code, result.stdout, stub.asked) == (0, f"{expected}\n", [])
    as_json = json.loads(cli("destinations", "secret", "HTTPS://Example.com:443/hook", "--json").stdout)
    assert as_json == {"url": "https://example.com/hook", "signing_secret": expected}


def test_that_another_secret_signs_some_of_it_is_said_beside_the_one_that_is_printed(
    cli: Cli, environ: Environ, folder: Path
) -> None:
    environ["BRIDGE_SECRET_KEY"] = MASTER
    (folder / "bridge.db").write_text("no database, but a text of some length" * 30)
    for arguments in ([], ["--json"]):
        result = cli("destinations", "secret", "https://example.com/hook", *arguments)
        assert ("with it, where a callback has no secret of its own;" in result.stderr) is not bool(arguments)
        assert (result.exit_code, "whsec_" in result.stdout) == (0, True)
        assert "Warning: Whether a destination with this URL has a secret of its own" in result.stderr


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    result = cli("destinations")
    assert result.exit_code == 2
    assert "rotate" in result.output
