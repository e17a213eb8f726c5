from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

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


async def deaf() -> None:
    """Hears the interrupt, and goes on all the same, once."""
    os.kill(os.getpid(), signal.SIGINT)
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(30)
    await asyncio.sleep(30)


def test_an_interrupt_that_gets_lost_is_told_again() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(deaf())


def test_an_error_on_the_way_out_does_not_hide_the_interrupt() -> None:
    async def clumsy() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(30)
        finally:
            raise ValueError("on the way out")

    with pytest.raises(KeyboardInterrupt):
        run(clumsy())


def test_a_client_is_not_opened_for_a_url_that_cannot_be(environ: Environ) -> None:
    environ["BRIDGE_URL"] = "nowhere"
    with pytest.raises(ConfigurationError):
        open_client()
