"""Many registrations at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ConflictError, InvalidRequestError, RequestError, StoreError
from bridge.registry import Registered, Registration
from bridge.simulator import Simulator
from tests.parts import Parts, forbid, sql
from tests.receiver import Receiver

HOOK = "https://example.com/hook"


async def register(parts: Parts, *bodies: dict[str, Any]) -> list[Registered | RequestError]:
    registrations = [Registration.model_validate({"callback_url": HOOK, **body}) for body in bodies]
    return await parts.registry.register_many(registrations, created_by="ci")


async def test_each_is_answered_in_its_place(parts: Parts) -> None:
    answers = await register(
        parts,
        {"video_id": "a"},
        {"video_id": "b", "provider": "nobody"},
        {"video_id": "c", "destinations": ["nobody"]},
        {"video_id": "d", "callback_url": "https://127.0.0.1:99999/"},
        {"video_id": "e"},
    )
    made = [each.watch.video_id if isinstance(each, Registered) else each.param for each in answers]
    assert made == ["a", "provider", "destinations[0]", "callback_url", "e"]
    assert all(isinstance(answers[index], InvalidRequestError) for index in (1, 2, 3))


async def test_one_that_is_there_twice_is_made_once(parts: Parts) -> None:
    answers = await register(parts, {"video_id": "a"}, {"video_id": "a"}, {"video_id": "a", "timeout": 5})
    assert [isinstance(each, Registered) and each.created for each in answers] == [True, False, False]


async def test_a_key_that_is_used_twice_for_different_things_is_a_conflict(parts: Parts) -> None:
    first, second = await register(parts, {"video_id": "a", "key": "k"}, {"video_id": "b", "key": "k"})
    assert isinstance(first, Registered)
    assert isinstance(second, ConflictError)


async def test_a_batch_of_errors_alone_is_answered_too(parts: Parts) -> None:
    (answer,) = await register(parts, {"video_id": "a", "provider": "nobody"})
    assert isinstance(answer, InvalidRequestError)


async def test_all_or_nothing_is_committed(parts: Parts, tmp_path: Path) -> None:
    forbid(tmp_path, "INSERT ON watches WHEN NEW.video_id = 'c'")
    with pytest.raises(StoreError):
        await register(parts, {"video_id": "a"}, {"video_id": "b"}, {"video_id": "c"})
    assert sql(tmp_path, "SELECT count(*) FROM watches UNION ALL SELECT count(*) FROM destinations") == [(0,), (0,)]


async def test_videos_that_ended_before_are_told_from_a_batch(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str
) -> None:
    for name in ("a", "b"):
        simulator.create("a cat [duration=0]", video_id=name)
        await parts.register(name, callback_url=f"{hook}/first")
    await parts.live(0)
    await register(parts, *({"video_id": name, "callback_url": f"{hook}/batch"} for name in ("a", "b", "c")))
    await parts.send()
    assert sorted(call.path for call in receiver.received[2:]) == ["/hook/batch", "/hook/batch"]


async def test_a_thousand_are_registered_in_one_go(parts: Parts, tmp_path: Path) -> None:
    answers = await register(parts, *({"video_id": f"video_{number}"} for number in range(1000)))
    ids = [each.watch.id for each in answers if isinstance(each, Registered)]
    assert len(ids) == 1000
    assert ids == sorted(ids)
    assert sql(tmp_path, "SELECT count(*) FROM destinations") == [(1,)]
