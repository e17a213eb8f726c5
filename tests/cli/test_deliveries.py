from __future__ import annotations

import json
import time

import pytest

from tests.cli.conftest import Cli
from tests.cli.samples import DELIVERY_ID, NOW, make_delivery
from tests.cli.stub import StubBridge


@pytest.fixture(autouse=True)
def _two_deliveries(stub: StubBridge) -> None:
    stub.deliveries = {
        DELIVERY_ID: make_delivery(),
        "dlv_0": make_delivery(id="dlv_0", status="cancelled", reason=None, attempts=[]),
    }


def test_a_list_shows_each_delivery_in_a_line(cli: Cli) -> None:
    lines = cli("deliveries").stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        [DELIVERY_ID, "failed", "client_error"],
        ["dlv_0", "cancelled", "–"],
    ]


def test_filters_are_passed_on(cli: Cli, stub: StubBridge) -> None:
    result = cli("deliveries", "--status", "failed", "--watch", "watch_x", "--destination", "team", "--limit", "5")
    assert stub.asked[0].query == {"status": "failed", "watch_id": "watch_x", "destination": "team", "limit": "5"}
    assert (result.exit_code, result.stderr) == (0, "No deliveries.\n")


def test_a_list_as_json_is_the_list_of_the_api(cli: Cli) -> None:
    answer = json.loads(cli("deliveries", "--status", "failed", "--json").stdout)
    assert (answer["object"], answer["data"]) == ("list", [make_delivery()])


def test_a_list_that_goes_on_says_how_to_see_the_rest(cli: Cli) -> None:
    assert cli("deliveries", "--limit", "1").stderr.startswith(f"There are more: --after {DELIVERY_ID} goes on")
    assert len(cli("deliveries", "--all").stdout.splitlines()) == 3


def test_one_delivery_is_sent_again(cli: Cli, stub: StubBridge) -> None:
    result = cli("retry", DELIVERY_ID)
    assert stub.asked[0].path == f"/v1/deliveries/{DELIVERY_ID}/retry"
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{DELIVERY_ID} is sent again now, to https://example.com/hook.\n"


def test_retry_as_json_is_the_delivery_of_the_api(cli: Cli) -> None:
    assert json.loads(cli("retry", DELIVERY_ID, "--json").stdout)["id"] == DELIVERY_ID


def test_a_cancelled_delivery_is_not_sent_again(cli: Cli) -> None:
    result = cli("retry", "dlv_0")
    assert (result.exit_code, result.stderr) == (1, "Error: The delivery is cancelled.\n")


def test_all_failed_deliveries_are_sent_again(cli: Cli, stub: StubBridge) -> None:
    result = cli("retry", "--failed", "--since", str(NOW), "--destination", "team")
    assert stub.asked[0].body == {"status": "failed", "since": NOW, "destination": "team"}
    assert (result.exit_code, result.stderr) == (0, "1 failed delivery is sent again now.\n")


def test_without_a_time_all_failed_deliveries_are_meant(cli: Cli, stub: StubBridge) -> None:
    stub.deliveries["dlv_1"] = make_delivery(id="dlv_1")
    assert cli("retry", "--failed").stderr == "2 failed deliveries are sent again now.\n"
    assert stub.asked[0].body == {"status": "failed"}


def test_a_time_may_be_so_long_ago(cli: Cli, stub: StubBridge) -> None:
    assert json.loads(cli("retry", "--failed", "--since", "2h", "--json").stdout) == {"retried": 0}
    assert stub.asked[0].body["since"] == pytest.approx(time.time() - 7200, abs=30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either the id of a delivery or --failed"),
        ((DELIVERY_ID, "--failed"), "either the id of a delivery or --failed"),
        ((DELIVERY_ID, "--since", "2h"), "go with --failed"),
        ((DELIVERY_ID, "--destination", "team"), "go with --failed"),
        (("--failed", "--since", "soon"), "is no time"),
    ],
)
def test_what_does_not_go_together_is_refused_without_asking(
    cli: Cli, stub: StubBridge, arguments: tuple[str, ...], message: str
) -> None:
    result = cli("retry", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert stub.asked == []
