"""The event loop that tests run on."""

from __future__ import annotations

import asyncio

import pytest

from tests.patience import COUNTED, PatientLoop, waited


async def test_every_test_has_it() -> None:
    assert isinstance(asyncio.get_running_loop(), PatientLoop)


async def test_what_never_comes_is_waited_for_as_long_as_is_said() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asyncio.Event().wait()
    assert loop.time() - began == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("seconds", "timeout", "ready", "counted"),
    [
        (0.3, 1.0, True, 0.3),
        (1.001, 1.0, False, 1.0),
        (5.0, 1.0, True, COUNTED),
        (5.0, 1.0, False, 1.0),
        (0.0, 0.0, True, 0.0),
        (5.0, 0.0, True, COUNTED),
        (5.0, None, True, 5.0),
    ],
    ids=["in time", "nothing came", "kept from it", "kept, and nothing came", "busy", "kept while busy", "no timer"],
)
def test_a_wait_counts_but_not_what_it_took_longer(
    seconds: float, timeout: float | None, ready: bool, counted: float
) -> None:
    assert waited(seconds, timeout, ready) == counted
