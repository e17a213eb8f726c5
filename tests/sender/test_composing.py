"""Bodies: by the destination's own template, by the packaged one when that fails, never not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.models import EventType
from bridge.notifiers import create_notifiers
from bridge.notifiers.base import Address
from bridge.rendering import SAMPLES, PackagedTemplates, Sandbox
from bridge.resources import templates_dir
from bridge.secrets import SecretBox
from bridge.sender.composing import Composer, UnrenderableError
from bridge.store.deliveries import Rendered
from tests.stalls import LONGEST, watched_loop

NOTIFIERS = create_notifiers(SecretBox(["a key of at least thirty-two characters"]), None)
TOLD = SAMPLES[EventType.VIDEO_COMPLETED]
SLACK = "https://hooks.slack.com/services/T0/B0/secret"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(workers=1)
    yield sandbox
    await sandbox.aclose()


def composer(sandbox: Sandbox, override: Path | None = None) -> Composer:
    return Composer(NOTIFIERS, PackagedTemplates(templates_dir(), override), sandbox)


def slack(**settings: Any) -> Address:
    return Address(SLACK, {"url": SLACK, **settings})


def mail(**settings: Any) -> Address:
    given = {"url": "https://mail.example/hook", "preset": "flat", "to": ["ann@example.com"], "from": "b@example.com"}
    return Address(given["url"], {**given, **settings})  # type: ignore[arg-type]


async def test_a_callback_without_a_template_is_the_event_itself(sandbox: Sandbox) -> None:
    rendered = await composer(sandbox).compose("callback", TOLD, Address("https://example.com/hook"))
    assert not rendered.degraded
    assert json.loads(rendered.body)["data"] == TOLD.video.as_dict()


async def test_a_callback_may_have_a_template_of_its_own(sandbox: Sandbox) -> None:
    template = '{"event_type": "video-done", "client_payload": {"id": "{{ video.id }}"}}'
    address = Address("https://example.com/hook", {"template": template})
    rendered = await composer(sandbox).compose("callback", TOLD, address)
    assert json.loads(rendered.body) == {"event_type": "video-done", "client_payload": {"id": TOLD.video.id}}


async def test_slack_gets_the_packaged_message(sandbox: Sandbox) -> None:
    rendered = await composer(sandbox).compose("slack", TOLD, slack())
    assert json.loads(rendered.body)["blocks"]
    assert not rendered.degraded


BROKEN: Mapping[str, str] = {
    "a field that is null": '{"text": "{{ video.error.message }}"}',
    "no json": "just words",
    "not what slack takes": '{"text": "x", "link_names": true}',
    "over slack's limits": '{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "'
    + "x" * 151
    + '"}}]}',
}


@pytest.mark.parametrize("template", BROKEN.values(), ids=BROKEN.keys())
async def test_a_template_that_fails_costs_its_form_and_not_the_message(sandbox: Sandbox, template: str) -> None:
    packaged = await composer(sandbox).compose("slack", TOLD, slack())
    rendered = await composer(sandbox).compose("slack", TOLD, slack(template=template))
    assert rendered == Rendered(packaged.body, degraded=True)


async def test_a_template_for_another_event_leaves_this_one_packaged(sandbox: Sandbox) -> None:
    template = {"video.failed": '{"text": "failed"}'}
    rendered = await composer(sandbox).compose("slack", TOLD, slack(template=template))
    assert "failed" not in json.loads(rendered.body)["text"]
    assert not rendered.degraded


async def test_a_mail_template_fills_its_gaps_from_the_packaged_one(sandbox: Sandbox) -> None:
    template = "{% block subject %}Done: {{ video.id }}{% endblock %}"
    own = json.loads((await composer(sandbox).compose("email-webhook", TOLD, mail(template=template))).body)
    packaged = json.loads((await composer(sandbox).compose("email-webhook", TOLD, mail())).body)
    assert own["subject"] == f"Done: {TOLD.video.id}"
    assert (own["text"], own["html"]) == (packaged["text"], packaged["html"])


async def test_a_mail_template_without_blocks_is_the_text_of_the_mail(sandbox: Sandbox) -> None:
    body = json.loads(
        (await composer(sandbox).compose("email-webhook", TOLD, mail(template="Ready: {{ video.id }}"))).body
    )
    assert body["text"].strip() == f"Ready: {TOLD.video.id}"
    assert TOLD.video.id in body["html"]
    assert body["subject"].startswith("Video completed")


async def test_an_operators_template_wins_over_the_packaged_one(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack" / "default.jinja").write_text('{"text": "ours: {{ video.id }}"}')
    rendered = await composer(sandbox, tmp_path).compose("slack", TOLD, slack())
    assert json.loads(rendered.body)["text"] == f"ours: {TOLD.video.id}"


async def test_where_not_even_the_packaged_one_works_that_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack" / "default.jinja").write_text("{{ nonsense }}")
    with pytest.raises(UnrenderableError, match="nonsense"):
        await composer(sandbox, tmp_path).compose("slack", TOLD, slack())


@pytest.mark.parametrize(
    ("kind", "address", "template"),
    [
        ("email-webhook", mail(preset="mailgun"), "{{ '&' * 130000 }}"),
        ("email-webhook", mail(), "{% block text %}{{ '<' * 260000 }}{% endblock %}"),
        ("slack", slack(), '{"blocks": [{{ "[]," * 9900 }}[]]}'),
        ("callback", Address("https://example.com/hook", {}), '{"text": "{{ "x" * 250000 }}"}'),
    ],
    ids=["a form", "a mail", "slack", "callback"],
)
async def test_a_message_as_large_as_may_be_does_not_hold_up_the_event_loop(
    sandbox: Sandbox, kind: str, address: Address, template: str
) -> None:
    own = Address(address.url, {**address.settings, "template": template})
    made = composer(sandbox)
    await made.compose(kind, TOLD, own)  # the first one compiles the packaged templates
    async with watched_loop() as stalls:
        await made.compose(kind, TOLD, own)
    assert stalls.longest < LONGEST / 3  # it has other things to do, too
