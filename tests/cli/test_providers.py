from __future__ import annotations

import json

from tests.cli.conftest import Cli, Environ
from tests.cli.samples import make_provider
from tests.cli.stub import StubBridge

PAUSED = make_provider(name="azure", state="paused", since=1, reason="the provider refuses our key (401)", rate=2.5)


def test_each_provider_is_a_line(cli: Cli, stub: StubBridge, environ: Environ) -> None:
    environ["COLUMNS"] = "160"
    stub.stored.providers.append(PAUSED)
    _, openai, azure = cli("providers").stdout.splitlines()
    assert openai.split() == ["openai", "ok", "–", "3", "20/s", "https://api.openai.com/v1", "–"]
    assert azure.split()[:2] == ["azure", "paused"]
    assert "2.5/s" in azure
    assert azure.endswith("the provider refuses our key (401)")


def test_the_list_as_json_is_that_of_the_api(cli: Cli) -> None:
    answer = json.loads(cli("providers", "--json").stdout)
    assert (answer["object"], answer["data"]) == ("list", [make_provider()])


def test_no_server_is_its_own_exit_code(cli: Cli, environ: Environ) -> None:
    environ["BRIDGE_URL"] = "http://127.0.0.1:9"
    assert cli("providers").exit_code == 3
