"""Templates of strangers who mean harm, in real processes, while the event loop goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from bridge.rendering import Case, Sandbox, Slot, TemplateError
from tests.rendering.helpers import COMPLETED, open_sandbox, plain, resident, workers
from tests.rendering.hostile import ENDLESS, LARGE, REFUSED
from tests.stalls import LONGEST, watched_loop

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

TEXT = plain(Slot.TEXT)
# It is not even begun with.
WITHOUT_LINE = {"not enough room"}
# How much a process may hold after all of this more than before, and a worker altogether, KiB.
MAY_GROW, WORKER_MAY_HOLD = 8_192, 100_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hurried_sandbox() -> AsyncIterator[Sandbox]:
    """One whose deadline comes so soon that a dozen templates may wait for it; a check has all the time it takes."""
    async with open_sandbox(seconds=0.5) as sandbox:
        yield sandbox


async def refused(sandbox: Sandbox, templates: Mapping[str, str]) -> dict[str, TemplateError]:
    """What is said to each of the templates, all sent at once; one that renders is missing."""

    async def error_of(template: str) -> TemplateError | None:
        try:
            await sandbox.render(template, TEXT, COMPLETED)
        except TemplateError as error:
            return error
        return None

    errors = await asyncio.gather(*map(error_of, templates.values()))
    return {name: error for name, error in zip(templates, errors, strict=True) if error is not None}


def own_memory() -> int:
    """What this process holds, KiB."""
    return resident(os.getpid()) if sys.platform == "linux" else 0


def memory_of_workers() -> int:
    """The most that a worker holds, KiB."""
    return max(map(resident, workers()), default=0) if sys.platform == "linux" else 0


async def test_there_are_enough_of_them() -> None:
    assert len({*REFUSED.values(), *ENDLESS.values(), *LARGE.values()}) >= 130


async def test_each_hostile_template_is_refused_at_once_with_line_and_reason(sandbox: Sandbox) -> None:
    await sandbox.render("x", TEXT, COMPLETED)
    before = own_memory()
    async with watched_loop() as stalls:
        errors = await refused(sandbox, REFUSED)
    assert set(REFUSED) - set(errors) == set()
    assert {name for name, error in errors.items() if error.line is None} == WITHOUT_LINE
    assert [name for name, error in errors.items() if "takes longer" in error.reason] == []
    assert [name for name, error in errors.items() if "had to be ended" in error.reason] == []
    assert stalls.longest < LONGEST
    assert own_memory() - before < MAY_GROW
    assert memory_of_workers() < WORKER_MAY_HOLD


async def test_endless_ones_are_interrupted_while_the_loop_and_the_templates_of_others_go_on(
    hurried_sandbox: Sandbox,
) -> None:
    good = [Case("{{ video.size }}", COMPLETED)]
    await hurried_sandbox.check(TEXT, good)
    before = own_memory()
    async with watched_loop() as stalls:
        errors, _ = await asyncio.gather(refused(hurried_sandbox, ENDLESS), hurried_sandbox.check(TEXT, good))
    assert {name: error.reason for name, error in errors.items()} == dict.fromkeys(
        ENDLESS, "it takes longer than 0.5 s"
    )
    assert stalls.longest < LONGEST
    assert stalls.ticks > 50
    assert own_memory() - before < MAY_GROW


async def test_an_endless_one_is_told_its_line(brief_sandbox: Sandbox) -> None:
    errors = await refused(brief_sandbox, {"late": "one\n" + ENDLESS["empty loops"]})
    assert str(errors["late"]) == "line 2: it takes longer than 1 s"


async def test_what_cannot_be_interrupted_is_ended() -> None:
    # To compare these is one step of Python, and takes a billion steps of the machine.
    twins = (
        "{% set one = namespace(x=[0]) %}{% set two = namespace(x=[0]) %}{% for i in range(30) %}"
        "{% set one.x = [one.x, one.x] %}{% set two.x = [two.x, two.x] %}{% endfor %}{{ one.x == two.x }}"
    )
    async with open_sandbox(seconds=0.3) as sandbox:
        errors = await refused(sandbox, {"twins": twins})
        assert (errors["twins"].reason, errors["twins"].line) == ("it takes longer than 0.3 s", None)


async def test_one_that_wants_too_much_memory_does_not_get_it() -> None:
    async with open_sandbox(memory=160 * 1_048_576) as sandbox:
        errors = await refused(sandbox, LARGE)
        assert {error.reason for error in errors.values()} == {"it needs more memory than it may have"}
        assert set(errors) == set(LARGE)
        assert (await sandbox.render("{{ video.size }}", TEXT, COMPLETED)).parts == {"body": "1280x720"}
        while memory_of_workers() >= WORKER_MAY_HOLD:  # one that was killed holds it for a moment more
            await asyncio.sleep(0)
