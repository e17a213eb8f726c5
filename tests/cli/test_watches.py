from __future__ import annotations

import json

import pytest

from bridge.ids import new_id
from tests.cli.conftest import Cli, Environ
from tests.cli.samples import DELIVERY_ID, WATCH_ID, completed, make_delivery, make_watch
from tests.cli.stub import OUTLOOK, StubBridge, refusal


def test_a_list_shows_each_watch_in_a_line(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch(id="watch_1", video_id="a"), make_watch(id="watch_2", video_id="b"))
    result = cli("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["WATCH", "watch_2", "watch_1"]
    assert result.stderr == ""


def test_an_empty_list_says_so_aside(cli: Cli) -> None:
    result = cli("list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No watches.\n")


def test_a_list_that_goes_on_says_how_to_see_the_rest(cli: Cli, stub: StubBridge) -> None:
    stub.add(*(make_watch(id=f"watch_{number}") for number in range(5)))
    result = cli("list", "--limit", "2")
    assert result.stderr == "There are more: --after watch_3 goes on, --all shows all.\n"
    assert "watch_2" in cli("list", "--limit", "2", "--after", "watch_3").stdout


def test_all_shows_more_than_a_page(cli: Cli, stub: StubBridge) -> None:
    stub.add(*(make_watch(id=new_id("watch")) for _ in range(120)))
    assert len(cli("list", "--all").stdout.splitlines()) == 121


def test_a_list_as_json_is_the_list_of_the_api(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    assert json.loads(cli("list", "--json").stdout) == {
        "object": "list",
        "data": [make_watch()],
        "first_id": WATCH_ID,
        "last_id": WATCH_ID,
        "has_more": False,
    }


def test_filters_are_passed_on(cli: Cli, stub: StubBridge) -> None:
    cli("list", "--status", "timed_out", "--video-id", "v", "--provider", "p", "-m", "a=1", "-m", "b b=2&3")
    assert stub.asked[0].query == {
        "status": "timed_out",
        "video_id": "v",
        "provider": "p",
        "metadata[a]": "1",
        "metadata[b b]": "2&3",
        "limit": "20",
    }


@pytest.mark.parametrize("options", [("--status", "done"), ("--limit", "0"), ("-m", "x")])
def test_bad_filters_are_refused_without_asking(cli: Cli, stub: StubBridge, options: tuple[str, ...]) -> None:
    assert cli("list", *options).exit_code == 2
    assert stub.asked == []


def test_show_has_the_watch_and_its_deliveries(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch(**completed()))
    stub.deliveries = {DELIVERY_ID: make_delivery(), "dlv_x": make_delivery(id="dlv_x", watch_id="other")}
    result = cli("show", WATCH_ID)
    assert result.exit_code == 0
    assert WATCH_ID in result.stdout
    assert f"{DELIVERY_ID}  failed: client_error" in result.stdout
    assert "dlv_x" not in result.stdout


def test_show_explains_when_the_video_is_looked_at_next(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    assert f"outlook   {OUTLOOK}" in cli("show", WATCH_ID).stdout


def test_show_does_without_the_outlook_at_an_older_server(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    stub.fail_after(2, refusal(404))
    result = cli("show", WATCH_ID)
    assert (result.exit_code, "outlook" in result.stdout) == (0, False)
    assert WATCH_ID in result.stdout


def test_show_as_json_is_the_watch_of_the_api(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    assert json.loads(cli("show", WATCH_ID, "--json").stdout) == make_watch() | stub.watches[WATCH_ID]
    assert len(stub.asked) == 1


def test_showing_a_watch_that_is_not_there_fails(cli: Cli) -> None:
    result = cli("show", "watch_nowhere")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: There is no such watch.\n")


def test_cancel_shows_the_watch(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    result = cli("cancel", WATCH_ID)
    assert (result.exit_code, result.stdout) == (0, f"{WATCH_ID}  video_abc  cancelled\n")
    assert cli("cancel", WATCH_ID).exit_code == 0


def test_cancelling_an_ended_watch_says_what_it_cancelled(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch(**completed(), deliveries={"pending": 1}))
    result = cli("cancel", WATCH_ID)
    assert (result.exit_code, result.stdout) == (0, f"{WATCH_ID}  video_abc  completed\n")
    assert "the deliveries that were still pending are cancelled" in result.stderr


def test_cancel_as_json_is_the_watch_of_the_api(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch())
    assert json.loads(cli("cancel", WATCH_ID, "--json").stdout)["status"] == "cancelled"


def test_cancelling_what_has_ended_fails(cli: Cli, stub: StubBridge) -> None:
    stub.add(make_watch(**completed()))
    result = cli("cancel", WATCH_ID)
    assert (result.exit_code, result.stderr) == (1, "Error: The watch has ended.\n")


def test_a_server_with_keys_is_opened_by_the_key_of_the_environment(
    cli: Cli, stub: StubBridge, environ: Environ
) -> None:
    stub.api_key = "k" * 20
    assert cli("list").exit_code == 2
    environ["BRIDGE_API_KEY"] = "k" * 20
    assert cli("list").exit_code == 0


def test_a_connection_that_cannot_work_is_bad_configuration(cli: Cli, environ: Environ) -> None:
    environ["BRIDGE_URL"] = "127.0.0.1:8080"
    result = cli("list")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: BRIDGE_URL must be an http or https URL")
