from __future__ import annotations

import asyncio

import pytest

from bridge.cli.running import open_client, run
from bridge.errors import ConfigurationError
from tests.cli.conftest import Environ


async def interrupted() -> None:
    raise KeyboardInterrupt


def test_the_result_of_the_work_is_returned() -> None:
    assert run(asyncio.sleep(0, "done")) == "done"


def test_an_interrupt_is_passed_on_after_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(interrupted(), when_stopped="Stopped.")
    assert capsys.readouterr().err == "Stopped.\n"


def test_an_interrupt_may_go_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(interrupted())
    assert capsys.readouterr().err == ""


def test_a_client_is_not_opened_for_a_url_that_cannot_be(environ: Environ) -> None:
    environ["BRIDGE_URL"] = "nowhere"
    with pytest.raises(ConfigurationError):
        open_client()
