"""An ending and all it tells are one commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.ids import event_id
from bridge.models import VideoStatus
from bridge.poller.loop import LEASE
from bridge.simulator import Simulator
from tests.parts import Parts, allow, forbid, sql
from tests.poller.asking import asked, column
from tests.receiver import Receiver


@pytest.mark.parametrize(
    "what",
    [
        "INSERT ON deliveries",
        "INSERT ON events",
        "UPDATE OF status ON watches",
        "UPDATE OF observation ON videos",
        "UPDATE OF deadline ON videos",
        "INSERT ON providers",
    ],
)
async def test_an_ending_that_cannot_be_written_whole_is_not_written_at_all_and_tried_again(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, tmp_path: Path, what: str
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    await parts.register(callback_url=hook)
    forbid(tmp_path, what)
    await parts.live(LEASE - 1)
    assert column(tmp_path, "status") == ["watching"]
    assert column(tmp_path, "status", "videos") == [None]
    assert column(tmp_path, "id", "events") == column(tmp_path, "id", "deliveries") == []
    allow(tmp_path)
    await parts.live(1)
    assert column(tmp_path, "status") == ["completed"]
    assert len(receiver.received) == 1


async def test_one_ending_that_cannot_be_written_does_not_hold_up_the_others(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        simulator.create("a cat [duration=0]", video_id=name)
        await parts.register(name, callback_url=hook)
    forbid(tmp_path, "UPDATE OF status ON watches WHEN NEW.video_id = 'b'")
    await parts.live(5)
    assert column(tmp_path, "status") == ["completed", "watching", "completed"]
    allow(tmp_path)
    await parts.live(LEASE)
    assert sorted(call.json["data"]["id"] for call in receiver.received) == ["a", "b", "c"]
    assert {name: len(asked(simulator, name)) for name in ("a", "b", "c")} == {"a": 1, "b": 2, "c": 1}


async def test_several_watches_on_one_video_end_together_or_not_at_all(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    for key in ("a", "b", "c"):
        await parts.register(callback_url=hook, key=key)
    forbid(tmp_path, "UPDATE OF status ON watches WHEN NEW.key = 'b'")
    await parts.live(5)
    assert column(tmp_path, "status") == ["watching"] * 3
    assert column(tmp_path, "id", "deliveries") == []
    allow(tmp_path)
    await parts.live(LEASE)
    assert len(receiver.received) == 3


async def test_the_event_is_what_the_watch_and_its_type_make_it(
    parts: Parts, simulator: Simulator, hook: str, tmp_path: Path
) -> None:
    simulator.create("a cat [duration=0]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.look()
    (delivery,) = await parts.deliveries()
    assert delivery.event_id == event_id(registered.watch.id, "video.completed")
    assert sql(tmp_path, "SELECT id, watch_id, type FROM events") == [
        (delivery.event_id, registered.watch.id, "video.completed")
    ]


async def test_what_is_observed_is_kept_before_the_end_too(parts: Parts, simulator: Simulator, hook: str) -> None:
    simulator.create("a cat [stuck]", video_id="video_1")
    registered = await parts.register(callback_url=hook)
    await parts.live(15)
    video = (await parts.watch(registered)).video
    assert video is not None
    assert (video.id, video.status, video.progress) == ("video_1", VideoStatus.IN_PROGRESS, 99)


@pytest.mark.parametrize(
    "video_id", ["litellm:a/b+c==", "sora-2:task_01k7", "video/../edits", "Größe ?x=1#y", "%2e%2e"]
)
async def test_an_odd_id_is_asked_for_as_one_segment_and_told_as_it_was_given(
    parts: Parts, simulator: Simulator, receiver: Receiver, hook: str, video_id: str
) -> None:
    simulator.create("a cat [duration=0]", video_id=video_id)
    await parts.register(video_id, callback_url=hook)
    await parts.live(0)
    assert [call.json["data"]["id"] for call in receiver.received] == [video_id]
    assert simulator.retrieves == {video_id: 1}
