"""Events to try templates on."""

from __future__ import annotations

import pytest

from bridge.models import EventType, VideoStatus
from bridge.rendering import SAMPLES, Slot
from bridge.rendering.samples import variants
from tests.rendering.helpers import rendered


def labels(event_type: EventType) -> set[str]:
    return {variant.label.removeprefix(event_type).strip(" ()") for variant in variants(event_type)}


def test_there_is_a_sample_of_every_event_type() -> None:
    assert {event_type.value for event_type in EventType} <= set(SAMPLES)


def test_a_sample_is_what_its_name_says() -> None:
    assert all(name.startswith(told.event_type) for name, told in SAMPLES.items())
    assert SAMPLES["video.failed"].video.status is VideoStatus.FAILED
    assert SAMPLES["video.failed"].video.error is not None
    assert SAMPLES["watch.lost.unseen"].video.as_dict() == {
        **dict.fromkeys(SAMPLES["watch.lost"].video.as_dict()),
        "id": SAMPLES["watch.lost"].video.id,
        "object": "video",
    }


def test_every_field_that_may_be_null_is_null_once() -> None:
    assert {"video.prompt null", "video.model null", "video.error null", "links null", "no metadata"} <= labels(
        EventType.VIDEO_FAILED
    )
    assert {"video.error.code null", "video.error.message null"} <= labels(EventType.VIDEO_FAILED)
    assert "video.status null" in labels(EventType.WATCH_LOST)


@pytest.mark.parametrize("event_type", [EventType.VIDEO_COMPLETED, EventType.VIDEO_FAILED])
def test_what_is_known_by_the_event_itself_is_never_null(event_type: EventType) -> None:
    statuses = {variant.told.video.status for variant in variants(event_type)}
    assert statuses == {VideoStatus(event_type.removeprefix("video."))}


@pytest.mark.parametrize("event_type", EventType)
def test_a_variant_differs_from_the_ordinary_sample_by_what_its_label_says(event_type: EventType) -> None:
    ordinary, *others = variants(event_type)
    assert ordinary.told == SAMPLES[event_type]
    assert all(other.told != ordinary.told for other in others)
    assert len({other.label for other in others}) == len(others)


def test_known_metadata_is_that_of_every_variant() -> None:
    assert all(each.told.metadata == {"a": "b"} for each in variants(EventType.VIDEO_FAILED, {"a": "b"}))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("slot", Slot)
def test_every_sample_can_be_told_everywhere(name: str, slot: Slot) -> None:
    assert rendered("{{ [event, video, watch, provider, links]|tojson }}", slot, SAMPLES[name])
