"""The contract every destination kind keeps: what is secret in it shows nowhere but at its receiver."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from bridge.signing import new_secret
from bridge.web import views
from tests.parts import Parts, hook, logs, parts, provider, receiver, simulator
from tests.receiver import Receiver
from tests.sender.events import ended

__all__ = ["hook", "logs", "parts", "provider", "receiver", "simulator"]

MARK = "m4rk3d-s3cr3t"
SIGNING = new_secret()
PRESETS = ("flat", "resend", "postmark", "sendgrid", "mailgun", "brevo", "mailpit")
MAIL = {"kind": "email-webhook", "from": "b@example.com", "to": ["a@example.com"], "api_key": MARK}
DESTINATIONS: dict[str, dict[str, Any]] = {
    "callback": {"kind": "callback", "url": f"HOOK/hook?token={MARK}", "secret": SIGNING, "headers": {"X-Key": MARK}},
    "slack": {"kind": "slack", "url": f"HOOK/services/T0/B0/{MARK}"},
    **{
        preset: {**MAIL, "preset": preset, "url": f"HOOK/send?key={MARK}", "headers": {"X-Key": MARK}}
        for preset in PRESETS
    },
}


def shows(text: str) -> list[str]:
    return [secret for secret in (MARK, SIGNING, SIGNING.removeprefix("whsec_")) if secret in text]


@pytest.mark.parametrize("kind", DESTINATIONS)
@pytest.mark.parametrize("answer", [200, 500])
async def test_no_secret_of_a_destination_shows_anywhere(
    parts: Parts,
    receiver: Receiver,
    hook: str,
    logs: list[MutableMapping[str, Any]],
    tmp_path: Path,
    kind: str,
    answer: int,
) -> None:
    receiver.answers.append(PlainTextResponse("{}", answer))
    destination = json.loads(json.dumps(DESTINATIONS[kind]).replace("HOOK", hook))
    registered = await ended(parts, destinations=[destination])
    await parts.send()
    delivery, watch = await parts.delivery(), await parts.watch(registered)
    assert len(delivery.attempts) == 1
    shown = views.delivery_detail(delivery).model_dump_json() + views.watch(watch).model_dump_json()
    assert shows(shown + repr([delivery, watch])) == []
    assert shows(repr(logs)) == []
    assert shows("".join(file.read_bytes().decode("latin-1") for file in tmp_path.glob("bridge.db*"))) == []


@pytest.mark.parametrize("kind", DESTINATIONS)
async def test_its_receiver_is_the_one_place_where_they_arrive(
    parts: Parts, receiver: Receiver, hook: str, kind: str
) -> None:
    destination = json.loads(json.dumps(DESTINATIONS[kind]).replace("HOOK", hook))
    await ended(parts, destinations=[destination])
    await parts.send()
    (call,) = receiver.received
    assert shows(call.body.decode()) == []
    assert MARK in call.path if kind == "slack" else MARK in call.headers["x-key"]
