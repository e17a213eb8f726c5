"""Hostile templates through the API, while others register."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.metrics import Metrics
from bridge.registry.templates import TemplateJudge
from bridge.web.application import create_web
from bridge.web.health import Readiness
from tests.clock import ManualClock
from tests.parts import open_parts
from tests.registry.storing import registry_with
from tests.rendering.helpers import open_sandbox
from tests.rendering.hostile import ENDLESS, REFUSED
from tests.sender.events import NOWHERE
from tests.stalls import LONGEST, TICK, watched_loop
from tests.web.conftest import asking, database_answers

URL = "https://example.com/hook"
AT_ONCE = ["a long text", "a large power", "a macro", "output", "classes", "format", "safe", "include", "brackets"]
LATE = ["empty loops", "a caller for every turn", "tags without end"]


@asynccontextmanager
async def serving(folder: Path, clock: ManualClock, check_seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that has so long for checking a template."""
    async with open_parts(folder, clock, NOWHERE) as parts, open_sandbox(check_seconds=check_seconds) as sandbox:
        registry = registry_with(parts, check_template=TemplateJudge(sandbox).judge)
        app = create_web(registry, Metrics(["openai"]), Readiness({}, database_answers))
        async with asking(app) as client:
            yield client


async def register(client: httpx.AsyncClient, video_id: str, **destination: Any) -> httpx.Response:
    body = {"video_id": video_id, "destinations": [{"kind": "callback", "url": URL, **destination}]}
    return await client.post("/v1/watches", json=body)


@pytest.mark.parametrize(
    ("names", "check_seconds", "says"),
    # A busy machine may take long to find out about what is found out at once.
    [(LATE, 0.5, "takes longer than 0.5 s"), (AT_ONCE, 20.0, "line 1: ")],
    ids=["late", "at once"],
)
async def test_hostile_templates_are_400s_and_other_registrations_go_on(
    tmp_path: Path, clock: ManualClock, names: list[str], check_seconds: float, says: str
) -> None:
    async with serving(tmp_path, clock, check_seconds) as client:
        await register(client, "the first one loads what is needed")
        async with watched_loop() as stalls:
            attacks = {}
            for name in names:
                attacks[name] = asyncio.create_task(register(client, name, template=(REFUSED | ENDLESS)[name]))
                await asyncio.sleep(2 * TICK)  # one after the other, as from a network: this loop is the client's, too
            meanwhile: list[httpx.Response] = []
            while not all(task.done() for task in attacks.values()):
                meanwhile.append(await register(client, f"video_{len(meanwhile)}"))
            refusals = {name: (await task).json()["error"] for name, task in attacks.items()}
    assert len(meanwhile) > 1  # the last may have been late
    assert {answer.status_code for answer in meanwhile} == {201}
    assert {error["code"] for error in refusals.values()} == {"invalid_template"}
    assert {error["param"] for error in refusals.values()} == {"destinations[0].template"}
    assert [name for name in names if says not in refusals[name]["message"]] == []
    assert stalls.longest < LONGEST


@pytest.mark.parametrize("kind", ["slack", "callback", "email-webhook"])
async def test_a_good_template_is_taken_after_bad_ones(tmp_path: Path, clock: ManualClock, kind: str) -> None:
    fields: dict[str, Any] = {"kind": kind}
    if kind == "email-webhook":
        fields |= {"preset": "flat", "to": ["ana@example.com"]}
    async with serving(tmp_path, clock, 20) as client:  # a busy machine may take long for a good one, too
        bad = await register(client, "v", **fields, template=REFUSED["a long text"])
        good = await register(client, "v", **fields, template='{"text": "{{ video.id }}"}')
    assert (bad.status_code, good.status_code) == (400, 201)
