"""What each documented answer of a mail service means for a delivery: one row each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.egress import Reply
from bridge.models import Outcome, Reason
from bridge.notifiers.base import Address, Verdict
from bridge.notifiers.email_presets import packaged_presets
from bridge.notifiers.email_webhook import EmailWebhookNotifier

NOW = 1_763_870_000.0
DELIVERED = Verdict(Outcome.DELIVERED)


def failed(reason: Reason, *, disable: bool = False) -> Verdict:
    return Verdict(Outcome.FAILED, reason, disable=disable)


def retry(reason: Reason, after: float | None = None) -> Verdict:
    return Verdict(Outcome.RETRY, reason, after)


def judged(preset: str, status: int, body: Any = "", **headers: str) -> Verdict:
    """The verdict on a reply; header names with underscores for hyphens."""
    content = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    address = Address("https://mail.example/", {"preset": preset})
    return EmailWebhookNotifier().judge(Reply(status, named, content.encode()), NOW, address)


def named(name: str) -> dict[str, str]:
    """An error as Resend states it."""
    return {"name": name, "message": "Some words about it."}


def coded(code: int) -> dict[str, Any]:
    """An error as Postmark states it."""
    return {"ErrorCode": code, "Message": "Some words about it."}


def brevo(code: str) -> dict[str, str]:
    """An error as Brevo states it."""
    return {"code": code, "message": "Some words about it."}


QUEUED = {"id": "<20261123.1@mg.example.com>", "message": "Queued. Thank you."}
SLOW = {"Message": "Message accepted, but delivery may be delayed.", "MessageID": "b7bc2f4a"}
PARTIAL = {
    "ErrorCode": 0,
    "Message": "Message OK, but will not deliver to these inactive addresses: a@x.example.",
    "MessageID": "b7bc2f4a",
}

ANSWERS = [
    # Zapier, Make, n8n, Power Automate
    ("flat", 200, {"status": "success", "id": "019a"}, DELIVERED),
    ("flat", 200, "Accepted", DELIVERED),
    ("flat", 200, {"message": "Workflow was started"}, DELIVERED),
    ("flat", 202, "", DELIVERED),
    ("flat", 204, "", DELIVERED),
    ("flat", 226, "", DELIVERED),
    ("flat", 400, "Queue is full.", retry(Reason.RATE_LIMITED)),
    ("flat", 400, "Bad request", failed(Reason.CLIENT_ERROR)),
    ("flat", 401, "", failed(Reason.AUTH)),
    (
        "flat",
        404,
        {"code": 404, "message": 'The requested webhook "x" is not registered.'},
        failed(Reason.CLIENT_ERROR),
    ),
    ("flat", 410, "There is no scenario listening for this webhook.", failed(Reason.GONE, disable=True)),
    ("flat", 413, "", failed(Reason.TOO_LARGE)),
    ("flat", 429, "Too many requests.", retry(Reason.RATE_LIMITED)),
    ("flat", 500, "", retry(Reason.SERVER_ERROR)),
    # https://resend.com/docs/api-reference/errors
    ("resend", 200, {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}, DELIVERED),
    ("resend", 200, {"id": ""}, retry(Reason.BAD_REPLY)),
    ("resend", 200, "<html>Welcome to the hotel</html>", retry(Reason.BAD_REPLY)),
    ("resend", 400, named("validation_error"), failed(Reason.CLIENT_ERROR)),
    ("resend", 400, named("invalid_idempotency_key"), failed(Reason.CLIENT_ERROR)),
    ("resend", 401, named("missing_api_key"), failed(Reason.AUTH)),
    ("resend", 401, named("restricted_api_key"), failed(Reason.AUTH)),
    ("resend", 403, named("invalid_api_key"), failed(Reason.AUTH)),
    ("resend", 403, named("validation_error"), failed(Reason.CLIENT_ERROR)),
    ("resend", 404, named("not_found"), failed(Reason.CLIENT_ERROR)),
    ("resend", 405, named("method_not_allowed"), failed(Reason.CLIENT_ERROR)),
    ("resend", 409, named("invalid_idempotent_request"), DELIVERED),
    ("resend", 409, named("concurrent_idempotent_requests"), retry(Reason.CLIENT_ERROR)),
    ("resend", 422, named("missing_required_field"), failed(Reason.CLIENT_ERROR)),
    ("resend", 422, named("invalid_from_address"), failed(Reason.CLIENT_ERROR)),
    ("resend", 429, named("rate_limit_exceeded"), retry(Reason.RATE_LIMITED)),
    ("resend", 429, named("daily_quota_exceeded"), retry(Reason.RATE_LIMITED, 3600.0)),
    ("resend", 429, named("monthly_quota_exceeded"), retry(Reason.RATE_LIMITED, 43_200.0)),
    ("resend", 451, named("security_error"), failed(Reason.CLIENT_ERROR)),
    ("resend", 500, named("application_error"), retry(Reason.SERVER_ERROR)),
    ("resend", 500, named("internal_server_error"), retry(Reason.SERVER_ERROR)),
    # https://postmarkapp.com/developer/api/overview#error-codes
    ("postmark", 200, {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a"}, DELIVERED),
    ("postmark", 200, PARTIAL, DELIVERED),
    ("postmark", 200, SLOW, DELIVERED),
    ("postmark", 200, coded(406), failed(Reason.CLIENT_ERROR)),
    ("postmark", 200, {"ErrorCode": False}, failed(Reason.CLIENT_ERROR)),
    ("postmark", 200, "OK", retry(Reason.BAD_REPLY)),
    ("postmark", 401, coded(10), failed(Reason.AUTH)),
    ("postmark", 422, coded(10), failed(Reason.AUTH)),
    ("postmark", 403, "<html><title>403 Forbidden</title></html>", failed(Reason.AUTH)),
    ("postmark", 413, "", failed(Reason.TOO_LARGE)),
    ("postmark", 415, coded(409), failed(Reason.CLIENT_ERROR)),
    ("postmark", 422, coded(100), retry(Reason.SERVER_ERROR)),
    *(("postmark", 422, coded(code), failed(Reason.CLIENT_ERROR)) for code in (300, 400, 401, 405, 406, 412, 413)),
    ("postmark", 422, coded(429), retry(Reason.RATE_LIMITED)),
    ("postmark", 429, coded(429), retry(Reason.RATE_LIMITED)),
    ("postmark", 500, "", retry(Reason.SERVER_ERROR)),
    ("postmark", 503, "", retry(Reason.SERVER_ERROR)),
    # https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
    ("sendgrid", 202, "", DELIVERED),
    ("sendgrid", 200, "", retry(Reason.BAD_REPLY)),
    ("sendgrid", 400, {"errors": [{"field": "from.email", "message": "not valid"}]}, failed(Reason.CLIENT_ERROR)),
    ("sendgrid", 401, {"errors": []}, failed(Reason.AUTH)),
    ("sendgrid", 403, {"errors": []}, failed(Reason.AUTH)),
    ("sendgrid", 404, "", failed(Reason.CLIENT_ERROR)),
    ("sendgrid", 405, "", failed(Reason.CLIENT_ERROR)),
    ("sendgrid", 406, "", failed(Reason.CLIENT_ERROR)),
    ("sendgrid", 413, "", failed(Reason.TOO_LARGE)),
    ("sendgrid", 429, {"errors": [{"message": "too many requests"}]}, retry(Reason.RATE_LIMITED)),
    ("sendgrid", 500, "", retry(Reason.SERVER_ERROR)),
    ("sendgrid", 503, "", retry(Reason.SERVER_ERROR)),
    # https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses
    ("mailgun", 200, QUEUED, DELIVERED),
    ("mailgun", 200, "Mailgun Magnificent API", failed(Reason.BAD_REPLY)),
    ("mailgun", 200, {"message": "?"}, retry(Reason.BAD_REPLY)),
    ("mailgun", 400, {"message": "to parameter is not a valid address."}, failed(Reason.CLIENT_ERROR)),
    ("mailgun", 401, "Forbidden", failed(Reason.AUTH)),
    ("mailgun", 403, {"message": "Domain is disabled"}, failed(Reason.AUTH)),
    ("mailgun", 404, {"message": "Domain not found: mg.example.com"}, failed(Reason.CLIENT_ERROR)),
    ("mailgun", 413, "", failed(Reason.TOO_LARGE)),
    ("mailgun", 429, {"message": "Too many requests"}, retry(Reason.RATE_LIMITED)),
    ("mailgun", 500, "", retry(Reason.SERVER_ERROR)),
    # https://developers.brevo.com/reference/sendtransacemail
    ("brevo", 201, {"messageId": "<202611230953.1@smtp-relay.mailin.fr>"}, DELIVERED),
    ("brevo", 202, {"messageId": "<202611230953.1@smtp-relay.mailin.fr>"}, DELIVERED),
    ("brevo", 201, "", retry(Reason.BAD_REPLY)),
    ("brevo", 400, brevo("duplicate_request"), DELIVERED),
    ("brevo", 400, brevo("invalid_parameter"), failed(Reason.CLIENT_ERROR)),
    ("brevo", 400, brevo("not_enough_credits"), failed(Reason.CLIENT_ERROR)),
    ("brevo", 401, brevo("unauthorized"), failed(Reason.AUTH)),
    ("brevo", 402, brevo("not_enough_credits"), failed(Reason.CLIENT_ERROR)),
    ("brevo", 403, brevo("permission_denied"), failed(Reason.AUTH)),
    ("brevo", 404, brevo("document_not_found"), failed(Reason.CLIENT_ERROR)),
    ("brevo", 406, brevo("not_acceptable"), failed(Reason.CLIENT_ERROR)),
    ("brevo", 429, brevo("too_many_requests"), retry(Reason.RATE_LIMITED)),
    ("brevo", 500, "", retry(Reason.SERVER_ERROR)),
    # https://mailpit.axllent.org/docs/api-v1/
    ("mailpit", 200, {"ID": "d6TWxTZMKr"}, DELIVERED),
    ("mailpit", 200, "<!doctype html>", retry(Reason.BAD_REPLY)),
    ("mailpit", 400, {"Error": "invalid To address: x"}, failed(Reason.CLIENT_ERROR)),
    ("mailpit", 401, "Unauthorised", failed(Reason.AUTH)),
    ("mailpit", 413, {"Error": "http: request body too large"}, failed(Reason.TOO_LARGE)),
]


@pytest.mark.parametrize(("preset", "status", "body", "verdict"), ANSWERS)
def test_every_documented_answer_has_its_meaning(preset: str, status: int, body: Any, verdict: Verdict) -> None:
    assert judged(preset, status, body) == verdict


@pytest.mark.parametrize("preset", packaged_presets())
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 501, 502, 503, 504, 599])
def test_what_another_attempt_may_change_is_retried_by_every_preset(preset: str, status: int) -> None:
    assert judged(preset, status).outcome is Outcome.RETRY


@pytest.mark.parametrize("preset", packaged_presets())
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 431, 451, 499])
def test_every_other_client_error_is_final_for_every_preset(preset: str, status: int) -> None:
    assert judged(preset, status).outcome is Outcome.FAILED


@pytest.mark.parametrize("preset", packaged_presets())
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_retried(preset: str, status: int) -> None:
    assert judged(preset, status, location="https://elsewhere.example/") == retry(Reason.REDIRECT)


@pytest.mark.parametrize("preset", [name for name in packaged_presets() if name != "flat"])
def test_only_a_hook_is_switched_off_by_a_410(preset: str) -> None:
    assert judged(preset, 410) == failed(Reason.GONE)


@pytest.mark.parametrize("preset", packaged_presets())
def test_retry_after_is_heeded_on_any_answer_that_is_retried(preset: str) -> None:
    assert judged(preset, 429, retry_after="17") == retry(Reason.RATE_LIMITED, 17.0)
    assert judged(preset, 503, retry_after="Sun, 23 Nov 2025 03:54:20 GMT") == retry(Reason.SERVER_ERROR, 60.0)


def test_a_quota_is_not_asked_for_before_its_time_nor_before_retry_after() -> None:
    assert judged("resend", 429, named("daily_quota_exceeded"), retry_after="60").retry_after == 3600.0
    assert judged("resend", 429, named("daily_quota_exceeded"), retry_after="7200").retry_after == 7200.0


def test_brevo_says_in_a_header_of_its_own_how_long_to_wait() -> None:
    assert judged("brevo", 429, x_sib_ratelimit_reset="12") == retry(Reason.RATE_LIMITED, 12.0)
    assert judged("brevo", 429, x_sib_ratelimit_reset="12", retry_after="30").retry_after == 30.0
    assert judged("brevo", 500, x_sib_ratelimit_reset="12") == retry(Reason.SERVER_ERROR)


@pytest.mark.parametrize(("reset", "after"), [("1763870009", 9.0), ("1763869000", 0.0), ("soon", None), ("", None)])
def test_sendgrid_says_at_what_time_its_limit_ends(reset: str, after: float | None) -> None:
    assert judged("sendgrid", 429, x_ratelimit_reset=reset) == retry(Reason.RATE_LIMITED, after)


@pytest.mark.parametrize("preset", packaged_presets())
def test_an_answer_that_broke_off_after_the_mail_was_accepted_does_not_send_it_twice(preset: str) -> None:
    status = {"sendgrid": 202, "brevo": 201}.get(preset, 200)
    reply = Reply(status, {}, b'{"id', truncated=True, body_error=Reason.RESET)
    address = Address("https://mail.example/", {"preset": preset})
    assert EmailWebhookNotifier().judge(reply, NOW, address) == DELIVERED


@pytest.mark.parametrize("preset", ["resend", "brevo"])
def test_an_error_that_broke_off_is_no_success(preset: str) -> None:
    reply = Reply(409, {}, b'{"name', truncated=True, body_error=Reason.RESET)
    address = Address("https://mail.example/", {"preset": preset})
    assert EmailWebhookNotifier().judge(reply, NOW, address).outcome is Outcome.RETRY


def test_a_destination_without_a_preset_is_a_flat_one() -> None:
    address = Address("https://mail.example/", {"preset": None})
    assert EmailWebhookNotifier().judge(Reply(410), NOW, address).disable


@given(st.sampled_from(sorted(packaged_presets())), st.integers(100, 599), st.binary(max_size=300))
def test_no_answer_however_odd_is_without_a_verdict(preset: str, status: int, body: bytes) -> None:
    verdict = packaged_presets()[preset].judge(Reply(status, {}, body), NOW)
    assert (verdict.reason is None) == (verdict.outcome is Outcome.DELIVERED)


@pytest.mark.parametrize("body", ["[" * 100_000, "9" * 5_000, "[1]", "null", '"id"', '{"id": null}', "\ufeff{}"])
def test_json_of_another_kind_is_no_success(body: str) -> None:
    assert judged("resend", 200, body) == retry(Reason.BAD_REPLY)
