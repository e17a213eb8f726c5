"""The e-mail destination as clients give it, and the request that is made of it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge import __version__
from bridge.models import EventType
from bridge.notifiers.base import Address
from bridge.notifiers.email_presets import packaged_presets
from bridge.notifiers.email_webhook import (
    EmailDefaults,
    EmailWebhookDestination,
    EmailWebhookNotifier,
    complete,
    environment_destination,
)
from bridge.notifiers.fitting import Unfit
from bridge.rendering.told import Told
from tests.notifiers.email_cases import KEY, NOW, PARTS, TO, addressed, destination, told

NOTIFIER = EmailWebhookNotifier()
OPERATOR = EmailDefaults(
    url="https://api.resend.com/emails",
    to=("ops@example.com",),
    sender="Ops <ops@example.com>",
    preset="resend",
    api_key="SECRET-operator-key",
)
HOOK = EmailDefaults(url="https://hooks.example/catch/SECRET", to=("ops@example.com",))


def only_to(**fields: Any) -> EmailWebhookDestination:
    return EmailWebhookDestination.model_validate({"kind": "email-webhook", "to": TO} | fields)


def sent_with(body: EmailWebhookDestination) -> list[str]:
    """The values of the headers that a mail to this destination has."""
    assert body.url is not None
    address = Address(body.url, body.model_dump(mode="json"))
    return list(EmailWebhookNotifier(OPERATOR).request(b"{}", "evt_1", address, NOW).headers.values())


def composed(preset: str = "resend", parts: dict[str, str] = PARTS, about: Told | None = None) -> bytes:
    return NOTIFIER.compose(parts, about or told(), addressed(preset))


# What a client may give


def test_the_destination_of_the_documentation_is_taken_as_it_is() -> None:
    given_body = {
        "kind": "email-webhook",
        "preset": "resend",
        "url": "https://api.resend.com/emails",
        "api_key": "re_1",
        "from": "bridge@example.com",
        "to": ["a@example.com"],
    }
    body = EmailWebhookDestination.model_validate(given_body)
    assert body.model_dump(mode="json", exclude_unset=True) == given_body
    assert complete(body, EmailDefaults()) == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": []},
        {"to": ["a@example.com\r\nBcc: eve@example.com"]},
        {"from": "Eve\n<eve@example.com>"},
        {"from": "nobody"},
        {"from_": "a@example.com"},
        {"preset": "ses"},
        {"api_key": ""},
        {"api_key": "two words"},
        {"api_key": "a\r\nX-Evil: 1"},
        {"api_key": "schlüssel"},
        {"headers": {"content-type": "text/plain"}},
        {"template": ""},
        {"template": {"video.started": "x"}},
        {"template": "x" * 65_537},
        {"url": "https://" + "x" * 2048},
        {"cc": ["a@example.com"]},
    ],
)
def test_what_could_not_be_sent_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        only_to(**wrong)


def test_a_template_is_one_for_everything_or_one_per_event_type() -> None:
    assert only_to(template="{{ video.id }}").template == "{{ video.id }}"
    assert only_to(template={"video.failed": "x"}).template == {EventType.VIDEO_FAILED: "x"}


def test_the_presets_a_client_may_name_are_the_packaged_ones() -> None:
    for preset in packaged_presets():
        assert only_to(preset=preset).preset == preset
    choices = EmailWebhookDestination.model_json_schema()["properties"]["preset"]["anyOf"][0]["enum"]
    assert sorted(choices) == list(packaged_presets())


# What the environment adds


def test_one_that_names_only_recipients_takes_the_rest_from_the_environment() -> None:
    body = complete(only_to(), OPERATOR)
    assert (body.preset, body.url, body.from_, body.to) == ("resend", OPERATOR.url, OPERATOR.sender, TO)
    assert body.api_key is None  # it is lent, not given


def test_a_key_that_is_missing_for_another_url_is_asked_for() -> None:
    with pytest.raises(ValueError, match="the preset resend needs an `api_key`"):
        complete(only_to(url="https://elsewhere.example/emails"), OPERATOR)


def test_what_is_given_wins_over_the_environment() -> None:
    body = complete(only_to(**{"from": "me@example.com", "api_key": "re_mine"}), OPERATOR)
    assert (body.from_, body.api_key, body.url) == ("me@example.com", "re_mine", OPERATOR.url)


def test_the_environments_key_goes_to_the_environments_url() -> None:
    assert f"Bearer {OPERATOR.api_key}" in sent_with(complete(only_to(url=OPERATOR.url), OPERATOR))


def test_a_key_of_ones_own_goes_before_it() -> None:
    sent = sent_with(complete(only_to(api_key="re_mine"), OPERATOR))
    assert "Bearer re_mine" in sent
    assert not any(str(OPERATOR.api_key) in value for value in sent)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"url": "https://evil.example/emails"},
        {"url": "https://api.resend.com/emails/"},
        {"url": "https://api.resend.com/emails?to=evil"},
        {"url": "https://api.resend.com:444/emails"},
        {"preset": "flat", "url": "https://evil.example/"},
        {"preset": "mailpit", "url": "https://evil.example/"},
        {"preset": "postmark"},
    ],
)
def test_the_environments_key_goes_to_no_other_url(elsewhere: dict[str, Any]) -> None:
    with_own = complete(only_to(**elsewhere, headers={"authorization": "x", "x-postmark-server-token": "x"}), OPERATOR)
    assert not any(str(OPERATOR.api_key) in value for value in sent_with(with_own))


def test_without_an_environment_the_preset_is_flat() -> None:
    body = complete(only_to(url="https://hooks.example/"), EmailDefaults())
    assert (body.preset, body.url, body.from_, body.api_key) == ("flat", "https://hooks.example/", None, None)


@pytest.mark.parametrize("preset", ["resend", "postmark", "sendgrid", "brevo"])
def test_a_service_has_its_own_url(preset: str) -> None:
    body = complete(destination(preset), HOOK)
    assert body.url == packaged_presets()[preset].url != HOOK.url


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "the preset flat needs a `url` or BRIDGE_EMAIL_WEBHOOK_URL"),
        ({"preset": "mailgun"}, "needs a `url`, for example https://api.mailgun.net/v3/mg.example.com/messages"),
        ({"preset": "mailpit"}, "needs a `url`, for example http://localhost:8025/api/v1/send"),
        ({"preset": "brevo"}, "the preset brevo needs a `from` address, or BRIDGE_EMAIL_FROM"),
        ({"preset": "brevo", "from": "a@example.com"}, "the preset brevo needs an `api_key`"),
    ],
)
def test_what_is_missing_is_said(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        complete(only_to(**fields), EmailDefaults())


def test_a_header_of_ones_own_may_stand_for_the_key() -> None:
    fields = {"preset": "resend", "from": "a@example.com", "headers": {"Authorization": "Bearer other"}}
    assert complete(only_to(**fields), EmailDefaults()).api_key is None


def test_a_preset_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="no e-mail preset 'ses'; there are brevo, flat, mailgun"):
        complete(only_to(), EmailDefaults(url="https://mail.example/", preset="ses"))


def test_the_sender_of_the_environment_is_judged_like_any_other() -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        complete(only_to(), EmailDefaults(url="https://hooks.example/", sender="a:b@example.com"))


def test_the_environment_describes_a_default_destination() -> None:
    body = environment_destination(OPERATOR)
    assert body == complete(only_to(to=["ops@example.com"]), OPERATOR)


def test_without_a_url_there_is_no_default_destination() -> None:
    assert environment_destination(EmailDefaults(to=("a@example.com",))) is None


# What is sent


def test_a_hook_gets_one_flat_object_of_strings() -> None:
    assert json.loads(composed("flat")) == {
        "to": "ann@example.com, bob@example.com",
        "from": "Bridge <bridge@example.com>",
        "subject": PARTS["subject"],
        "text": PARTS["text"],
        "html": PARTS["html"],
        "event": "video.failed",
        "video_id": "video_abc",
        "watch_id": "watch_1",
        "status": "failed",
    }


@pytest.mark.parametrize("event_type", EventType)
def test_a_hook_is_told_the_status_of_the_watch(event_type: EventType) -> None:
    status = json.loads(composed("flat", about=told(event_type)))["status"]
    assert status == event_type.value.partition(".")[2]


def test_a_hook_that_knows_the_sender_gets_an_empty_string_for_it() -> None:
    body = NOTIFIER.compose(PARTS, told(), addressed("flat", **{"from": None}))
    assert json.loads(body)["from"] == ""


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@example.com", "a\nb", "a\u2028b", "a\x0bb", "a\x85b", "\n\n a \n"])
def test_a_subject_is_one_line(subject: str) -> None:
    line = json.loads(composed(parts=PARTS | {"subject": subject}))["subject"]
    assert line.splitlines() == [line]
    assert line.isprintable()


def test_a_subject_is_shortened_to_250_characters() -> None:
    subject = json.loads(composed(parts=PARTS | {"subject": "x" * 300}))["subject"]
    assert subject == "x" * 249 + "…"


@pytest.mark.parametrize("subject", ["", " \r\n", "\x00"])
def test_an_empty_subject_does_not_fit(subject: str) -> None:
    with pytest.raises(Unfit, match="a mail needs a subject"):
        composed(parts=PARTS | {"subject": subject})


@pytest.mark.parametrize("parts", [{}, {"text": " \n"}, {"html": "<p>x</p>"}])
def test_a_mail_without_a_text_does_not_fit(parts: dict[str, str]) -> None:
    with pytest.raises(Unfit, match="write one in the template's block `text`"):
        composed(parts=parts)


@pytest.mark.parametrize(
    ("about", "subject"),
    [
        (told(EventType.VIDEO_COMPLETED), "Video completed: a boat"),
        (told(EventType.VIDEO_FAILED, prompt=None), "Video failed: video_abc"),
        (told(EventType.WATCH_LOST, prompt=" \r\n "), "Video lost: video_abc"),
        (told(EventType.WATCH_TIMED_OUT, prompt="a\r\nboat"), "Video timed out: a boat"),
    ],
)
def test_a_template_without_a_subject_gets_one(about: Told, subject: str) -> None:
    assert json.loads(composed(parts={"text": "x"}, about=about))["subject"] == subject


def test_a_template_without_html_gets_its_text_as_html_with_its_lines() -> None:
    page = json.loads(composed(parts={"text": "1 < 2\n& more"}))["html"]
    assert "white-space:pre-wrap" in page
    assert "<body" in page
    assert "1 &lt; 2\n&amp; more" in page


def test_html_without_a_frame_gets_one_and_whole_documents_are_left_alone() -> None:
    bare = json.loads(composed(parts=PARTS | {"html": "<b>Done</b>"}))["html"]
    assert bare.startswith("<!doctype html><html>")
    assert "pre-wrap" not in bare
    assert ">" + "<b>Done</b>" + "</body>" in bare
    assert json.loads(composed())["html"] == PARTS["html"]


def test_half_a_character_in_a_template_is_replaced() -> None:
    assert json.loads(composed(parts=PARTS | {"text": "a\ud800b\0"}))["text"] == "a\ufffdb"


def test_a_stored_address_that_could_make_a_header_is_not_sent_to() -> None:
    address = addressed()
    broken = {**address.settings, "to": ["a@example.com\r\nBcc: eve@example.com"]}
    with pytest.raises(ValueError, match="one line"):
        NOTIFIER.compose(PARTS, told(), type(address)(address.url, broken))


@pytest.mark.parametrize("preset", packaged_presets())
def test_every_attempt_sends_the_stored_bytes(preset: str) -> None:
    address = addressed(preset)
    body = NOTIFIER.compose(PARTS, told(), address)
    first, second = (NOTIFIER.request(body, "evt_1", address, NOW + after) for after in (0, 86_400))
    assert (first.method, first.url, first.body) == ("POST", "https://mail.example/send", body)
    assert (first, first.headers) == (second, second.headers)
    assert body == NOTIFIER.compose(PARTS, told(), address)


@pytest.mark.parametrize(
    ("preset", "header", "value"),
    [
        ("flat", "authorization", f"Bearer {KEY}"),
        ("resend", "authorization", f"Bearer {KEY}"),
        ("postmark", "x-postmark-server-token", KEY),
        ("sendgrid", "authorization", f"Bearer {KEY}"),
        ("mailgun", "authorization", "Basic YXBpOlNFQ1JFVC1hcGkta2V5LTE="),
        ("brevo", "api-key", KEY),
        ("mailpit", "authorization", "Basic U0VDUkVULWFwaS1rZXktMQ=="),
    ],
)
def test_the_key_is_where_the_service_looks_for_it(preset: str, header: str, value: str) -> None:
    headers = NOTIFIER.request(b"x", "evt_1", addressed(preset), NOW).headers
    assert headers[header] == value
    assert headers["user-agent"] == f"video-bridge/{__version__}"
    assert headers["accept"] == "application/json"


def test_without_a_key_none_is_sent() -> None:
    assert "authorization" not in NOTIFIER.request(b"x", "evt_1", addressed("flat", api_key=None), NOW).headers


def test_headers_of_ones_own_are_sent_too() -> None:
    address = addressed("flat", headers={"X-Team": "ads"})
    assert NOTIFIER.request(b"x", "evt_1", address, NOW).headers["X-Team"] == "ads"


def test_the_idempotency_key_of_resend_is_one_per_event_and_mail() -> None:
    def key(event_id: str, to: list[str]) -> str:
        address = addressed("resend", to=to)
        body = NOTIFIER.compose(PARTS, told(), address)
        return NOTIFIER.request(body, event_id, address, NOW).headers["idempotency-key"]

    assert key("evt_1", TO) == key("evt_1", TO)
    assert len({key("evt_1", TO), key("evt_2", TO), key("evt_1", TO[:1])}) == 3
    assert key("evt_1", TO).startswith("evt_1/")
    assert len(key("evt_" + "f" * 32, TO)) <= 256


def test_the_idempotency_key_of_brevo_is_a_uuid_of_the_mail_and_its_event() -> None:
    def key(about: Told, **parts: str) -> str:
        uuid: str = json.loads(composed("brevo", PARTS | parts, about))["headers"]["idempotencyKey"]
        return uuid

    assert key(told()) == key(told())
    assert key(told()) != key(told(), text="Another text.")
    assert key(told()) != key(told(EventType.VIDEO_COMPLETED))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", key(told()))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_any_text_comes_through_json_and_form_alike(text: str) -> None:
    parts = {"subject": "s", "text": f"x{text}x", "html": f"<!doctype html>{text}"}
    as_json = json.loads(composed("resend", parts))
    as_form = parse_qs(composed("mailgun", parts).decode(), strict_parsing=True)
    assert [as_json["text"]] == as_form["text"]
    assert [as_json["html"]] == as_form["html"]


# Secrets, and the rest of what a notifier is asked


@pytest.mark.parametrize("preset", packaged_presets())
def test_no_secret_gets_into_the_stored_body_or_into_any_text_of_ours(preset: str) -> None:
    fields = {"url": "https://mail.example/SECRET-path?sig=SECRET-query", "headers": {"X-Auth": "SECRET-header"}}
    body, address = destination(preset, **fields), addressed(preset, **fields)
    stored = NOTIFIER.compose(PARTS, told(), address)
    request = NOTIFIER.request(stored, "evt_1", address, NOW)
    shown = [stored.decode(), repr(body), repr(OPERATOR), repr(address.settings.get("to")), repr(request), str(request)]
    assert KEY in address.settings["api_key"]
    assert [text for text in shown if "SECRET" in text] == []


def test_a_refused_destination_is_refused_without_its_key() -> None:
    with pytest.raises(ValueError) as caught:
        complete(destination("mailgun"), EmailDefaults())
    assert KEY not in str(caught.value)


def test_a_mail_has_no_secret_to_tell_no_lesser_form_and_needs_no_pause() -> None:
    assert NOTIFIER.shared_secret(addressed()) is None
    assert NOTIFIER.degrade(b"{}") is None
    assert NOTIFIER.seconds_per_message == 0.0
