"""Signatures, held against published vectors and two independent verifiers."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks import Webhook, WebhookVerificationError

from bridge import signing

KEYS = st.binary(min_size=24, max_size=64)
URL = "https://example.com/hook"


def as_text(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp", "body", "signature"),
    [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ],
)
def test_published_vectors(secret: str, message_id: str, timestamp: int, body: bytes, signature: str) -> None:
    assert signing.sign([secret], message_id, timestamp, body) == signature
    assert signing.sign([signing.parse_secret(secret)], message_id, timestamp, body) == signature


@given(key=KEYS, body=st.text())
def test_standardwebhooks_accepts_what_we_sign(key: bytes, body: str) -> None:
    headers = signing.headers([as_text(key)], "evt_1", int(time.time()), body.encode())
    Webhook(as_text(key)).verify(body, headers, json_parse=False)


def test_the_openai_sdk_accepts_what_we_sign() -> None:
    secret, body = signing.new_secret(), '{"type": "video.completed", "object": "event"}'
    headers = signing.headers([secret], "evt_1", int(time.time()), body.encode())
    OpenAI(api_key="x").webhooks.verify_signature(body, headers, secret=secret)


def test_both_verifiers_refuse_a_changed_body() -> None:
    secret = signing.new_secret()
    headers = signing.headers([secret], "evt_1", int(time.time()), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify("[]", headers)
    with pytest.raises(InvalidWebhookSignatureError):
        OpenAI(api_key="x").webhooks.verify_signature("[]", headers, secret=secret)


def test_during_a_rotation_the_old_and_the_new_secret_both_verify() -> None:
    new, old = signing.new_secret(), signing.new_secret()
    headers = signing.headers([new, old], "evt_1", int(time.time()), b"{}")
    assert headers["webhook-signature"].count("v1,") == len(headers["webhook-signature"].split(" ")) == 2
    for secret in (new, old):
        Webhook(secret).verify("{}", headers)
        OpenAI(api_key="x").webhooks.verify_signature("{}", headers, secret=secret)


def test_the_three_headers() -> None:
    headers = signing.headers([bytes(24)], "evt_1", 1763870000, b"{}")
    signature = signing.sign([bytes(24)], "evt_1", 1763870000, b"{}")
    assert headers == {"webhook-id": "evt_1", "webhook-timestamp": "1763870000", "webhook-signature": signature}


def test_a_body_that_is_not_text_can_be_signed() -> None:
    assert signing.sign([bytes(24)], "evt_1", 0, b"\xff\x00") != signing.sign([bytes(24)], "evt_1", 0, b"\xfe\x00")


@given(key=KEYS)
def test_a_secret_read_back_is_the_key(key: bytes) -> None:
    assert signing.parse_secret(as_text(key)) == key


def test_a_new_secret_is_a_secret_and_new() -> None:
    assert len(signing.parse_secret(signing.new_secret())) == 32
    assert signing.new_secret() != signing.new_secret()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "starts with whsec_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with whsec_"),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with whsec_"),
        ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with whsec_"),
        ("whsec_", "24 to 64 bytes, this one 0"),
        (as_text(bytes(23)), "24 to 64 bytes, this one 23"),
        (as_text(bytes(65)), "24 to 64 bytes, this one 65"),
        (as_text(bytes(25)).rstrip("="), "is base64"),
        (as_text(bytes(24)) + "\n", "is base64"),
        (" " + as_text(bytes(24)), "starts with whsec_"),
        ("whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(), "is base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSü", "is base64"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as refused:
        signing.parse_secret(text)
    assert len(text) < 10 or text not in str(refused.value)


@given(size=st.integers(min_value=0, max_value=100))
def test_only_24_to_64_bytes_make_a_secret(size: int) -> None:
    try:
        signing.parse_secret(as_text(bytes(size)))
    except ValueError:
        assert not 24 <= size <= 64
    else:
        assert 24 <= size <= 64


def test_one_url_always_has_the_same_derived_secret() -> None:
    secret = signing.derive_secret("m" * 32, URL)
    assert secret == signing.derive_secret(b"m" * 32, URL)
    assert len(signing.parse_secret(secret)) == 32


def test_another_url_or_another_master_has_another_secret() -> None:
    secret = signing.derive_secret("m" * 32, URL)
    assert secret != signing.derive_secret("m" * 32, URL + "/")
    assert secret != signing.derive_secret("n" * 32, URL)


def test_a_derived_secret_stays_what_it_was_in_earlier_versions() -> None:
    # Receivers have stored it: computed with openssl over "callback-secret", a zero byte and the URL.
    expected = "whsec_Dikgjtpx6pR2tLlwpZw74d9vD5wR2O52TkVLbo+S0SM="
    assert signing.derive_secret("0123456789abcdef0123456789abcdef", URL) == expected
