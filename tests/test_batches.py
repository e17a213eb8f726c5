"""A batch comes to what registering one by one in the same order comes to."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import RequestError
from bridge.models import Observed, Video, VideoStatus
from bridge.poller.recording import Looked
from bridge.registry import Registered, Registration
from tests.clock import ManualClock
from tests.parts import Parts, open_parts, sql

NOWHERE = {"openai": "http://127.0.0.1:9/v1"}
HOOKS = ["https://a.example/hook", "https://b.example/hook"]
TABLES = {
    "videos": "provider, video_id, deadline, next_at, looks",
    "watches": "video_id, status, key, slot, content, expires_at, ended_at",
    "watch_destinations": "position",
    "destinations": "shown_url, digest",
    "events": "type",
    "deliveries": "status, host",
}

bodies = st.fixed_dictionaries(
    {"video_id": st.sampled_from(["new", "waited", "ended", "cancelled"])},
    optional={
        "key": st.sampled_from(["k", "l"]),
        "callback_url": st.sampled_from(HOOKS),
        "destinations": st.sampled_from(
            [["nobody"], [{"kind": "callback", "url": HOOKS[0]}], [{"kind": "callback", "url": "https://127.0.0.1:0/"}]]
        ),
        "provider": st.sampled_from(["openai", "nobody"]),
        "timeout": st.sampled_from([5, 50]),
    },
)


@pytest.fixture(scope="module")
def prepared() -> bytes:
    """A database with a video that ended, one that is waited for, and one whose watch was cancelled."""

    async def make(folder: Path) -> None:
        async with open_parts(folder, ManualClock(), NOWHERE) as parts:
            await prepare(parts)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(make(Path(folder)))
        return Path(folder, "bridge.db").read_bytes()


async def prepare(parts: Parts) -> None:
    await parts.register("ended", callback_url=HOOKS[0])
    (claim,) = await parts.poller.claim()
    await parts.poller.record([Looked(claim, Observed(Video("ended", VideoStatus.COMPLETED)), parts.clock.now())])
    await parts.register("waited", callback_url=HOOKS[0], timeout=20)
    cancelled = await parts.register("cancelled", callback_url=HOOKS[0], key="k")
    await parts.registry.cancel(cancelled.watch.id)


async def come_to(prepared: bytes, given: list[dict[str, Any]], *, at_once: bool) -> tuple[list[Any], list[Any]]:
    """What was answered, with watches as the place of the first answer that shows them; and what the tables hold."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bridge.db").write_bytes(prepared)
        async with open_parts(Path(folder), ManualClock(), NOWHERE) as parts:
            registrations = [Registration.model_validate(body) for body in given]
            groups = [registrations] if at_once else [[each] for each in registrations]
            answers = [each for group in groups for each in await parts.registry.register_many(group, created_by="ci")]
            for each in answers:
                if isinstance(each, Registered):
                    shown = await parts.registry.watch(each.watch.id)
                    assert [one.id for one in shown.destinations] == [one.id for one in each.watch.destinations]
                    assert (shown.status, shown.video) == (each.watch.status, each.watch.video)
        ids = [each.watch.id if isinstance(each, Registered) else None for each in answers]
        tables = [sorted(sql(Path(folder), f"SELECT {what} FROM {name}"), key=repr) for name, what in TABLES.items()]
        return [_plain(each, ids) for each in answers], tables


def _plain(answer: Registered | RequestError, ids: list[str | None]) -> Any:
    if isinstance(answer, RequestError):
        return answer.param, answer.code, answer.message
    return answer.created, ids.index(answer.watch.id), answer.watch.status, answer.watch.key, answer.watch.expires_at


@settings(max_examples=8, deadline=None)
@given(st.lists(bodies, min_size=4, max_size=10))
def test_a_batch_comes_to_the_same_as_one_by_one(prepared: bytes, given: list[dict[str, Any]]) -> None:
    async def both() -> None:
        at_once = await come_to(prepared, given, at_once=True)
        assert at_once == await come_to(prepared, given, at_once=False)

    asyncio.run(both())
