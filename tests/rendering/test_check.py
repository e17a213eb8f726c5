"""Whether a template can render what its destination will meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from bridge.models import EventType
from bridge.rendering import FORMS, Sandbox, TemplateError, Templates, check_template

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = """{
  "text": "{{ video.id }}: {{ video.error.message|default('?') if video.error else video.status }}",
  "prompt": {{ video.prompt|tojson }},
  "campaign": "{{ watch.metadata.campaign|default('none') }}"
  {%- if links and links.watch %}, "link": "{{ links.watch }}"{% endif %}
}"""


async def check(
    sandbox: Sandbox,
    templates: Templates,
    events: Iterable[EventType] = tuple(EventType),
    kind: str = "slack",
    metadata: Mapping[str, str] | None = None,
) -> None:
    await check_template(sandbox, templates, FORMS[kind], events, metadata)


async def refusal(sandbox: Sandbox, template: str, *events: EventType) -> tuple[str, int | None, str]:
    with pytest.raises(TemplateError) as raised:
        await check(sandbox, template, events or tuple(EventType))
    return raised.value.where, raised.value.line, raised.value.reason


@pytest.mark.parametrize("kind", FORMS)
async def test_a_template_that_minds_what_may_be_missing_is_taken(sandbox: Sandbox, kind: str) -> None:
    await check(sandbox, GOOD, kind=kind)


@pytest.mark.parametrize(
    ("field", "where"),
    [
        ("video.error.message", "video.completed"),
        ("links.watch", "video.completed (links null)"),
        ("watch.metadata.campaign", "video.completed (no metadata)"),
        ("video.prompt[0]", "video.completed (video.prompt null)"),
        ("nothing", "video.completed"),
    ],
)
async def test_what_may_be_missing_has_to_be_minded(sandbox: Sandbox, field: str, where: str) -> None:
    place, line, reason = await refusal(sandbox, f'{{\n"a": "{{{{ {field} }}}}"}}')
    assert (place, line) == (where, 2)
    assert reason


async def test_a_null_where_json_wants_a_value_is_found(sandbox: Sandbox) -> None:
    where, _, reason = await refusal(sandbox, '{"a": {{ video.progress }} }')
    assert where == "video.completed (video.progress null)"
    assert reason.startswith("what it renders to is not JSON: Expecting value")


async def test_a_value_without_quotes_around_it_is_found(sandbox: Sandbox) -> None:
    where, _, _ = await refusal(sandbox, '{"a": {{ video.seconds }}, "b": "{{ video.seconds|default(0) }}" }')
    assert where == "video.completed (video.seconds null)"
    where, _, _ = await refusal(sandbox, '{"a": {{ video.seconds or 0 }} }')
    assert where == "video.completed (odd texts)"


async def test_only_events_the_destination_is_told_are_tried(sandbox: Sandbox) -> None:
    await check(sandbox, '{"a": "{{ video.error.code if video.error }}"}', [EventType.VIDEO_FAILED])
    where, _, _ = await refusal(sandbox, '{"a": "{{ video.error.code }}"}', EventType.VIDEO_FAILED)
    assert where == "video.failed (video.error null)"


async def test_each_event_type_is_tried_with_its_own_template(sandbox: Sandbox) -> None:
    templates = {EventType.VIDEO_FAILED: '{"a": "{{ foo }}"}', EventType.VIDEO_COMPLETED: "{}"}
    await check(sandbox, templates, [EventType.VIDEO_COMPLETED, EventType.WATCH_LOST])
    with pytest.raises(TemplateError, match=r"video\.failed, line 1: 'foo' is undefined"):
        await check(sandbox, templates)


async def test_nothing_to_check_is_fine(sandbox: Sandbox) -> None:
    await check(sandbox, {EventType.VIDEO_FAILED: "{{"}, [EventType.WATCH_LOST])


async def test_known_metadata_may_be_used_without_minding(sandbox: Sandbox) -> None:
    await check(sandbox, '{"a": "{{ watch.metadata.campaign }}"}', metadata={"campaign": "spring"})
    with pytest.raises(TemplateError, match=r"watch\.metadata has no field campaign"):
        await check(sandbox, '{"a": "{{ watch.metadata.campaign }}"}', metadata={})
