"""Mails on their way: through the outgoing door, to services that take nothing but their own form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from bridge.egress import LOOPBACK_NETWORKS, AddressPolicy, Door
from bridge.models import Outcome, Reason
from bridge.notifiers.base import Address, Verdict
from bridge.notifiers.email_webhook import EmailDefaults, EmailWebhookDestination, EmailWebhookNotifier, complete
from bridge.rendering import FORMS, SAMPLES, PackagedTemplates, Told
from bridge.resources import templates_dir
from tests.notifiers.email_cases import KEY, NOW, PARTS, TO, addressed, told
from tests.notifiers.mail_services import MANNERS, Catcher, MailService, Seen
from tests.servers import running_server

NOTIFIER = EmailWebhookNotifier()
TEMPLATES = PackagedTemplates(templates_dir())


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door(AddressPolicy(LOOPBACK_NETWORKS))
    yield door
    await door.aclose()


async def send(door: Door, body: bytes, address: Address, event_id: str = "evt_1") -> Verdict:
    reply = await door.send(NOTIFIER.request(body, event_id, address, NOW), timeout=10, max_reply=65_536)
    return NOTIFIER.judge(reply, NOW, address)


@pytest.mark.parametrize("preset", MANNERS)
async def test_a_mail_arrives_at_every_service_in_its_own_form(preset: str, door: Door) -> None:
    service = MailService(preset, KEY)
    async with running_server(service.app) as base_url:
        address = addressed(preset, url=f"{base_url}/send")
        verdict = await send(door, NOTIFIER.compose(PARTS, told(), address), address)
    event = None if preset == "flat" else "evt_1"
    seen = Seen("Bridge <bridge@example.com>", TO, PARTS["subject"], PARTS["text"], PARTS["html"], event)
    assert (verdict, service.sent) == (Verdict(Outcome.DELIVERED), [seen])


@pytest.mark.parametrize("preset", MANNERS)
async def test_a_sender_without_a_name_has_none_at_any_service(preset: str, door: Door) -> None:
    service = MailService(preset, KEY)
    async with running_server(service.app) as base_url:
        address = addressed(preset, url=f"{base_url}/send", **{"from": "bridge@example.com"})
        await send(door, NOTIFIER.compose(PARTS, told(), address), address)
    assert [seen.sender for seen in service.sent] == ["bridge@example.com"]


@pytest.mark.parametrize("preset", MANNERS)
async def test_a_wrong_key_is_final_at_every_service(preset: str, door: Door) -> None:
    service = MailService(preset, "another-key")
    async with running_server(service.app) as base_url:
        address = addressed(preset, url=f"{base_url}/send")
        verdict = await send(door, NOTIFIER.compose(PARTS, told(), address), address)
    assert (verdict, service.sent) == (Verdict(Outcome.FAILED, Reason.AUTH), [])


@pytest.mark.parametrize("preset", ["resend", "brevo"])
async def test_an_attempt_whose_answer_was_lost_does_not_send_the_mail_twice(preset: str, door: Door) -> None:
    service = MailService(preset, KEY)
    async with running_server(service.app) as base_url:
        address = addressed(preset, url=f"{base_url}/send")
        body = NOTIFIER.compose(PARTS, told(), address)
        verdicts = [await send(door, body, address) for _ in range(2)]
    assert verdicts == [Verdict(Outcome.DELIVERED)] * 2
    assert len(service.sent) == 1


@pytest.mark.parametrize("preset", ["resend", "brevo"])
async def test_two_destinations_of_one_event_are_two_mails(preset: str, door: Door) -> None:
    service = MailService(preset, KEY)
    async with running_server(service.app) as base_url:
        for to in (TO[:1], TO[1:]):
            address = addressed(preset, url=f"{base_url}/send", to=to)
            await send(door, NOTIFIER.compose(PARTS, told(), address), address)
    assert [seen.to for seen in service.sent] == [TO[:1], TO[1:]]


async def caught(door: Door, told: Told, parts: Mapping[str, str]) -> dict[str, Any]:
    """Send the mail to a catcher that the operator runs, and fetch it back from there."""
    async with (
        running_server(Catcher().app) as base_url,
        httpx.AsyncClient(base_url=f"{base_url}/api/v1", trust_env=False) as catcher,
    ):
        operator = EmailDefaults(f"{base_url}/api/v1/send", (), "Brücke, Inc. <bridge@example.com>", "mailpit")
        inline = complete(EmailWebhookDestination(kind="email-webhook", to=TO), operator)
        address = Address(str(inline.url), inline.model_dump(mode="json", exclude={"kind", "events"}))
        body = NOTIFIER.compose(parts, told, address)
        assert await send(door, body, address, told.event_id) == Verdict(Outcome.DELIVERED)
        (listed,) = (await catcher.get("/messages")).json()["messages"]
        mail: dict[str, Any] = (await catcher.get(f"/message/{listed['ID']}")).json()
        return mail


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_packaged_message_is_caught_as_it_was_rendered(name: str, door: Door) -> None:
    parts = TEMPLATES.render("email-webhook", FORMS["email-webhook"], SAMPLES[name]).parts
    mail = await caught(door, SAMPLES[name], parts)
    assert (mail["From"], mail["To"]) == ('"Brücke, Inc." <bridge@example.com>', TO)
    assert (mail["Subject"], mail["Text"], mail["HTML"]) == (parts["subject"], parts["text"], parts["html"])
    assert mail["Event"] == SAMPLES[name].event_id
    assert sorted(mail["Headers"]) == ["Content-Type", "From", "MIME-Version", "Subject", "To", "X-Video-Bridge-Event"]


async def test_a_mail_that_is_too_large_for_the_catcher_is_final(door: Door) -> None:
    async with running_server(Catcher(most=1_000).app) as base_url:
        address = addressed("mailpit", url=f"{base_url}/api/v1/send")
        body = NOTIFIER.compose(PARTS | {"text": "x" * 1_000}, told(), address)
        assert await send(door, body, address) == Verdict(Outcome.FAILED, Reason.TOO_LARGE)


async def test_what_the_catcher_cannot_read_is_final(door: Door) -> None:
    async with running_server(Catcher().app) as base_url:
        address = addressed("mailpit", url=f"{base_url}/api/v1/send")
        assert await send(door, b'{"To": [', address) == Verdict(Outcome.FAILED, Reason.CLIENT_ERROR)
