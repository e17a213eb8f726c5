"""The presets as data: whole, readable, and nothing in them that is not understood."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from importlib import resources
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from bridge.models import Outcome
from bridge.notifiers.email_addresses import Mailbox
from bridge.notifiers.email_presets import Auth, Mail, Preset, packaged_presets

PRESETS = packaged_presets()
MAIL = Mail(
    sender=Mailbox("bridge@example.com", "Bridge"),
    to=("ann@example.com", "bob@example.com"),
    subject="Video completed: a boat",
    text="It is ready.",
    html="<p>It is ready.",
    event="video.completed",
    event_id="evt_1",
    video_id="video_abc",
    watch_id="watch_1",
    status="completed",
)


def table(name: str, **changes: Any) -> dict[str, Any]:
    """A preset's file with some things changed."""
    text = (resources.files("bridge.notifiers") / "presets" / f"{name}.toml").read_text("utf-8")
    return {"name": name, **tomllib.loads(text), **changes}


def test_the_services_that_are_known() -> None:
    assert list(PRESETS) == ["brevo", "flat", "mailgun", "mailpit", "postmark", "resend", "sendgrid"]
    assert all(preset.name == name for name, preset in PRESETS.items())


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_has_an_answer_that_is_success_and_a_reason_for_every_other(preset: Preset) -> None:
    outcomes = {answer.outcome for answer in preset.answers}
    assert Outcome.DELIVERED in outcomes
    for answer in preset.answers:
        assert (answer.reason is None) == (answer.outcome is Outcome.DELIVERED)
        assert answer.wait is None or answer.outcome is Outcome.RETRY


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_has_a_url_of_its_own_or_shows_one_but_for_a_hook(preset: Preset) -> None:
    assert preset.name == "flat" or (preset.url or preset.example or "").startswith(("https://", "http://localhost"))
    assert preset.auth.header == preset.auth.header.lower()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_every_placeholder_is_filled(preset: Preset) -> None:
    assert not re.search(r"\{[A-Za-z_:]+\}", unquote(preset.compose(MAIL).decode()))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"adress": "x"}, "adress"),
        ({"encoding": "xml"}, "encoding"),
        ({"auth": {"header": "x", "scheme": "digest"}}, "auth"),
        ({"answers": [{"outcome": "delivered", "feild": "id"}]}, "feild"),
        ({"answers": [{"outcome": "perhaps"}]}, "outcome"),
        ({"answers": [{"outcome": "failed", "reason": "no idea"}]}, "reason"),
        ({"reset": {"header": "x", "unit": "hours"}}, "unit"),
    ],
)
def test_a_file_with_a_slip_is_refused(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError, match=place):
        Preset.model_validate(table("resend", **changes))


def test_a_placeholder_that_does_not_exist_is_an_error_and_other_text_stays() -> None:
    with pytest.raises(KeyError, match="subjct"):
        Preset.model_validate(table("flat", body={"s": "{subjct}"})).compose(MAIL)
    kept = Preset.model_validate(table("flat", body={"s": "Re: {subject}", "n": 1, "b": True})).compose(MAIL)
    assert json.loads(kept) == {"s": "Re: {subject}", "n": 1, "b": True}


def test_what_has_no_value_is_left_out() -> None:
    body = json.loads(PRESETS["sendgrid"].compose(replace(MAIL, sender=Mailbox("bridge@example.com"))))
    assert body["from"] == {"email": "bridge@example.com"}


@pytest.mark.parametrize(
    ("auth", "value"),
    [
        (Auth(header="x", scheme="plain"), "user:key"),
        (Auth(header="x", scheme="bearer"), "Bearer user:key"),
        (Auth(header="x", scheme="basic"), "Basic dXNlcjprZXk="),
        (Auth(header="x", scheme="basic", user="api"), "Basic YXBpOnVzZXI6a2V5"),
    ],
)
def test_a_key_is_given_as_the_service_wants_it(auth: Auth, value: str) -> None:
    assert auth.value("user:key") == value


@pytest.mark.parametrize("field", ["subject", "text", "html", "event_id", "watch_id"])
def test_a_mail_that_differs_in_anything_has_another_uuid(field: str) -> None:
    assert MAIL.uuid == replace(MAIL).uuid
    changed: dict[str, Any] = {field: "other"}
    assert MAIL.uuid != replace(MAIL, **changed).uuid
    assert MAIL.uuid != replace(MAIL, to=MAIL.to[::-1]).uuid
