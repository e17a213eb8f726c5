from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from bridge.models import EventType
from bridge.notifiers import create_notifiers
from bridge.registry.previews import KINDS, Previews
from bridge.rendering import SAMPLES, Links, Sandbox
from bridge.secrets import SecretBox
from tests.parts import MASTER, PACKAGED
from tests.web.fakes import WATCH

COMPLETED = SAMPLES["video.completed"]


@pytest.fixture
def kind() -> str:
    """These tests need no database."""
    return "sqlite"


def links(watch_id: str, event_type: EventType, event_at: float) -> Links:
    return Links(watch_id, event_type, str(event_at))


@pytest.fixture
async def previews() -> AsyncIterator[Previews]:
    sandbox = Sandbox()
    yield Previews(PACKAGED, sandbox, create_notifiers(SecretBox([MASTER]), None), links)
    await sandbox.aclose()


@pytest.mark.parametrize("kind_", KINDS)
async def test_each_kind_shows_what_it_would_send_and_how_much_room_is_left(previews: Previews, kind_: str) -> None:
    for event_type in EventType:
        shown = await previews.preview(kind_, SAMPLES[event_type], None)
        assert shown.fault is None
        assert SAMPLES[event_type].video.id in "".join(shown.parts.values())
        assert all(0 <= each.used <= each.most for each in shown.measures)


async def test_a_slack_message_is_shown_as_it_reads(previews: Previews) -> None:
    shown = await previews.preview("slack", COMPLETED, '{"text": "*{{ video.model }}* is ready"}')
    assert shown.reading == "sora-2-pro is ready"


async def test_a_fault_names_the_line(previews: Previews) -> None:
    shown = await previews.preview("slack", COMPLETED, '{\n"text": "{{ video.nonsense }}"}')
    assert shown.fault is not None
    assert (shown.fault.line, shown.parts) == (2, {})


async def test_what_the_receiver_would_not_take_is_a_fault(previews: Previews) -> None:
    shown = await previews.preview("slack", COMPLETED, '{"text": ""}')
    assert shown.fault is not None
    assert "says nothing" in shown.fault.reason


async def test_a_template_of_one_part_keeps_the_packaged_others(previews: Previews) -> None:
    shown = await previews.preview("email-webhook", COMPLETED, "{% block subject %}Done{% endblock %}")
    assert shown.parts["subject"] == "Done"
    assert COMPLETED.video.id in shown.parts["text"]


async def test_a_callback_is_shown_its_event(previews: Previews) -> None:
    shown = await previews.preview("callback", COMPLETED, None)
    assert json.loads(shown.parts["JSON"])["type"] == "video.completed"


async def test_a_real_watch_tells_its_own_values_and_links(previews: Previews) -> None:
    told = previews.told_of(WATCH, EventType.WATCH_LOST, 500.0)
    assert (told.watch_id, told.video.id, told.created_at) == (WATCH.id, "video_abc", 500)
    assert told.metadata == WATCH.metadata
    assert (told.watch_url, told.content_url, told.thumbnail_url) == (WATCH.id, EventType.WATCH_LOST, "500.0")
