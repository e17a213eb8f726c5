"""Templates are judged before anything is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from bridge.errors import InvalidRequestError
from bridge.models import EventType
from bridge.registry import DestinationChange, NewDestination, Registration, Registry
from bridge.registry.destinations import Template
from tests.parts import Parts
from tests.registry.storing import registry_with

SLACK = {"kind": "slack", "url": "https://hooks.slack.com/services/T/B/x"}
ALL = list(EventType)


class Judge:
    """Dislikes templates with a ``!``, and remembers what it was asked; the database must be free meanwhile."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.asked: list[tuple[str, Template, list[EventType]]] = []
        self.metadata: list[Mapping[str, str] | None] = []

    async def __call__(
        self, kind: str, template: Template, events: Collection[EventType], metadata: Mapping[str, str] | None
    ) -> None:
        self.asked.append((kind, template, list(events)))
        self.metadata.append(metadata)
        async with self.parts.database.write():
            if "!" in str(template):
                raise ValueError("line 1: no shouting")


@pytest.fixture
def judge(parts: Parts) -> Judge:
    return Judge(parts)


@pytest.fixture
def registry(parts: Parts, judge: Judge) -> Registry:
    return registry_with(parts, check_template=judge)


def registration(*destinations: Any, video_id: str = "video_1") -> Registration:
    return Registration.model_validate({"video_id": video_id, "destinations": destinations})


async def test_an_inline_one_is_judged_for_the_events_it_is_told(registry: Registry, judge: Judge) -> None:
    told = {**SLACK, "template": "hello", "events": ["video.failed"]}
    await registry.register(registration(told, SLACK), created_by=None)
    assert judge.asked == [("slack", "hello", [EventType.VIDEO_FAILED])]


async def test_an_inline_one_is_judged_for_its_watchs_metadata_and_a_stored_one_for_any(
    registry: Registry, judge: Judge
) -> None:
    told = {**SLACK, "template": "hello"}
    body = Registration.model_validate({"video_id": "v", "metadata": {"a": "1"}, "destinations": [told]})
    await registry.register(body, created_by=None)
    await registry.destinations.create(NewDestination.model_validate({**told, "name": "team"}), created_by=None)
    assert judge.metadata == [{"a": "1"}, None]


async def test_a_bad_inline_one_is_refused_by_its_field(registry: Registry, parts: Parts) -> None:
    with pytest.raises(InvalidRequestError, match="line 1: no shouting") as caught:
        await registry.register(registration(SLACK, {**SLACK, "template": "hello!"}), created_by=None)
    assert caught.value.param == "destinations[1].template"
    assert (await parts.registry.counts()).watches == {}


async def test_in_a_batch_each_template_is_judged_once_and_spoils_only_its_own(
    registry: Registry, judge: Judge
) -> None:
    good, bad = {**SLACK, "template": "hello"}, {**SLACK, "template": "hello!"}
    bodies = [registration(each, video_id=f"v{place}") for place, each in enumerate((good, bad, good, bad))]
    answers = await registry.register_many(bodies, created_by=None)
    assert [getattr(each, "param", None) for each in answers] == [None, "destinations[0].template"] * 2
    assert [template for _, template, _ in judge.asked] == ["hello", "hello!"]


async def test_a_stored_one_is_judged_before_it_is_stored(registry: Registry, judge: Judge) -> None:
    body = NewDestination.model_validate({**SLACK, "name": "team", "template": {"video.failed": "oh!"}})
    with pytest.raises(InvalidRequestError) as caught:
        await registry.destinations.create(body, created_by=None)
    assert caught.value.param == "template"
    assert judge.asked == [("slack", {EventType.VIDEO_FAILED: "oh!"}, ALL)]


async def test_a_change_is_judged_when_it_is_about_the_template(registry: Registry, judge: Judge) -> None:
    body = NewDestination.model_validate({**SLACK, "name": "team", "template": "hello"})
    await registry.destinations.create(body, created_by=None)
    judge.asked.clear()
    for fields in ({"enabled": True}, {"url": "https://example.com/"}, {"events": ["video.failed"]}):
        await registry.destinations.patch("team", DestinationChange.model_validate(fields))
    assert judge.asked == [("slack", "hello", [EventType.VIDEO_FAILED])]
    with pytest.raises(InvalidRequestError) as caught:
        await registry.destinations.patch("team", DestinationChange.model_validate({"template": "hello!"}))
    assert caught.value.param == "template"


async def test_without_a_template_there_is_nothing_to_judge(registry: Registry, judge: Judge) -> None:
    body = NewDestination.model_validate({**SLACK, "name": "team", "template": "hello"})
    await registry.destinations.create(body, created_by=None)
    await registry.destinations.patch("team", DestinationChange.model_validate({"template": None}))
    assert len(judge.asked) == 1


async def test_one_request_cannot_have_templates_judged_for_ever(parts: Parts) -> None:
    async def dawdle(*_: object) -> None:
        await parts.clock.advance(8)

    bodies = [registration({**SLACK, "template": f"hello {number}"}, video_id=str(number)) for number in range(8)] + [
        registration(SLACK, video_id="plain")
    ]
    answers = await registry_with(parts, check_template=dawdle).register_many(bodies, created_by=None)
    refused = [answer for answer in answers if isinstance(answer, InvalidRequestError)]
    assert [each.code for each in refused] == ["not_checked"] * 4
    assert [each.param for each in refused] == ["destinations[0].template"] * 4
    assert answers[-1] not in refused
