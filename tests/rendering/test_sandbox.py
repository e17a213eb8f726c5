"""Processes that render: started, replaced, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bridge.rendering import FORMS, Case, Message, Sandbox, SandboxError, Slot, TemplateError
from bridge.rendering.sandbox import MAX_SOURCE
from tests.rendering.helpers import COMPLETED, FAILED, open_sandbox, plain, workers
from tests.rendering.hostile import ENDLESS

pytestmark = pytest.mark.asyncio(loop_scope="module")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

TEXT = plain(Slot.TEXT)
ENDLESS_LOOP = ENDLESS["empty loops"]


async def size(sandbox: Sandbox) -> str:
    """A rendering that works wherever one can work."""
    return (await sandbox.render("{{ video.size }}", TEXT, COMPLETED)).parts["body"]


async def started(before: list[int]) -> int:
    """The process that was not there before, once it is."""
    while not (fresh := set(workers()) - set(before)):
        await asyncio.sleep(0.01)
    return fresh.pop()


async def test_a_message_comes_back_with_all_its_parts(sandbox: Sandbox) -> None:
    source = "{% block subject %}{{ video.size }}{% endblock %}{% block html %}<b>é</b>{% endblock %}"
    message = await sandbox.render(source, FORMS["email-webhook"], COMPLETED)
    assert message == Message({"subject": "1280x720", "html": "<b>é</b>"}, in_blocks=True)


async def test_a_mistake_comes_back_with_line_and_reason(sandbox: Sandbox) -> None:
    with pytest.raises(TemplateError) as raised:
        await sandbox.render("one\n{{ foo }}", TEXT, COMPLETED)
    assert (raised.value.line, raised.value.reason) == (2, "'foo' is undefined")


async def test_more_messages_than_processes_wait_their_turn(sandbox: Sandbox) -> None:
    assert await asyncio.gather(*(size(sandbox) for _ in range(12))) == ["1280x720"] * 12


async def test_a_template_of_the_largest_size_goes_through(sandbox: Sandbox) -> None:
    message = await sandbox.render("é" * (MAX_SOURCE // 2), TEXT, COMPLETED)
    assert len(message.parts["body"]) == MAX_SOURCE // 2


async def test_a_check_names_the_case_that_fails(sandbox: Sandbox) -> None:
    source = "{{ video.error.code }}"
    with pytest.raises(TemplateError) as raised:
        await sandbox.check(TEXT, [Case(source, FAILED, "failed"), Case(source, COMPLETED, "completed")])
    assert raised.value.where == "completed"


async def test_a_check_has_one_deadline(brief_sandbox: Sandbox) -> None:
    with pytest.raises(TemplateError, match="it takes longer than 1 s"):
        await brief_sandbox.check(TEXT, [Case("{% for a in range(999) %}{{ a }}{% endfor %}", COMPLETED)] * 5_000)


@linux
async def test_a_process_that_died_is_replaced() -> None:
    before = workers()
    async with open_sandbox() as sandbox:
        await size(sandbox)
        os.kill(await started(before), signal.SIGKILL)
        assert await size(sandbox) == "1280x720"


@linux
async def test_a_process_that_dies_of_its_template_is_the_templates_fault() -> None:
    before = workers()
    async with open_sandbox() as sandbox:
        rendering = asyncio.create_task(sandbox.render(ENDLESS_LOOP, TEXT, COMPLETED))
        pid = await started(before)
        await until_busy(pid)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(TemplateError, match="its process had to be ended"):
            await rendering


async def until_busy(pid: int) -> None:
    """Return when the process has begun with its job: it has given itself a limit of processor time."""
    while "Max cpu time              unlimited" in Path(f"/proc/{pid}/limits").read_text():
        await asyncio.sleep(0.01)


@linux
async def test_whoever_stops_waiting_leaves_no_process_behind() -> None:
    before = workers()
    async with open_sandbox() as sandbox:
        rendering = asyncio.create_task(sandbox.render(ENDLESS_LOOP, TEXT, COMPLETED))
        await until_busy(await started(before))
        rendering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rendering
        assert await size(sandbox) == "1280x720"
        while len(workers()) > len(before) + 1:  # what was killed is gone once somebody has asked how it ended
            await asyncio.sleep(0.01)
        assert len(workers()) == len(before) + 1


@linux
async def test_closing_ends_what_runs_and_leaves_no_zombie() -> None:
    before = workers()
    async with open_sandbox(workers=1) as sandbox:
        rendering = asyncio.create_task(sandbox.render(ENDLESS_LOOP, TEXT, COMPLETED))
        waiting = asyncio.create_task(size(sandbox))
        await until_busy(await started(before))
    assert [type(task.exception()) for task in (rendering, waiting)] == [SandboxError, SandboxError]
    assert set(workers()) <= set(before)


async def test_a_closed_sandbox_says_so() -> None:
    async with open_sandbox() as sandbox:
        pass
    with pytest.raises(SandboxError, match="closed"):
        await size(sandbox)
    await sandbox.aclose()


@linux
async def test_a_process_knows_none_of_our_secrets_and_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody-may-see")
    before = workers()
    async with open_sandbox(memory=200 * 1_048_576) as sandbox:
        await size(sandbox)
        process = Path("/proc", str(await started(before)))
        limits = {line[:26].strip(): line[26:].split()[1] for line in (process / "limits").read_text().splitlines()}
        assert b"sk-nobody" not in (process / "environ").read_bytes()
    assert limits["Max address space"] == str(200 * 1_048_576)
    assert limits["Max core file size"] == limits["Max file size"] == limits["Max processes"] == "0"


@pytest.mark.parametrize("talk", ["exit 3", "printf '\\377\\377\\377\\377'", "printf '\\0\\0\\0\\1{'"])
async def test_a_process_that_does_not_start_is_our_fault(
    talk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{talk}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="does not start"):
            await size(sandbox)


async def test_a_process_that_cannot_be_started_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="no process can be started"):
            await size(sandbox)
