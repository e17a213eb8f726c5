from __future__ import annotations

import html
import json
from collections.abc import Mapping
from urllib.parse import quote

import pytest

from bridge.egress import OutgoingRequest, Reply
from bridge.models import Outcome
from bridge.notifiers.base import Verdict
from bridge.sender.attempting import SHOWN_REPLY, Answer
from bridge.sender.masking import secrets_of

SECRET = "s3cr3t/of&the=\"team'"


def shown(body: str, kind: str = "callback", url: str = "https://a.example/", **settings: str) -> str:
    headers: Mapping[str, str] = {"X-Key": SECRET, "authorization": "Basic YXBpOmtleS1vZi1tYWls", "accept": "text/json"}
    request = OutgoingRequest("POST", url, headers, b"")
    secrets = secrets_of(kind, request, settings)
    return Answer(Verdict(Outcome.DELIVERED), 0.0, 0.0, Reply(200, body=body.encode()), secrets=secrets).shown or ""


@pytest.mark.parametrize(
    "form", [SECRET, quote(SECRET, safe=""), quote(SECRET), json.dumps(SECRET), html.escape(SECRET)]
)
def test_a_header_that_is_repeated_is_not_shown(form: str) -> None:
    assert shown(f"you sent {form} to us") in ("you sent [redacted] to us", 'you sent "[redacted]" to us')


@pytest.mark.parametrize("repeated", ["Basic YXBpOmtleS1vZi1tYWls", "YXBpOmtleS1vZi1tYWls", "key-of-mail"])
def test_neither_is_a_password_in_any_form(repeated: str) -> None:
    assert shown(f"<{repeated}>") == "<[redacted]>"


def test_what_the_receiver_may_know_although_it_was_not_sent_is_not_shown() -> None:
    body = shown("expected whsec_aaaabbbbcccc or aaaabbbbcccc", secret="whsec_aaaabbbbcccc")
    assert body == "expected [redacted] or [redacted]"


def test_of_a_url_the_query_is_hidden_and_of_slacks_the_path() -> None:
    assert shown("no /hook?token=t0ken-1 here, t0ken-1", url="https://a.example/hook?token=t0ken-1") == (
        "no /hook?[redacted] here, [redacted]"
    )
    slack = shown("POST /services/T0/B0/XyZ123 XyZ123", "slack", "https://hooks.slack.com/services/T0/B0/XyZ123")
    assert slack == "POST [redacted] [redacted]"


def test_what_is_no_secret_is_shown_as_it_came() -> None:
    body = '{"ok": true, "accept": "text/json", "version": 1}'
    assert shown(body, url="https://a.example/?v=1") == body


@pytest.mark.parametrize("before", range(SHOWN_REPLY - len(SECRET) - 1, SHOWN_REPLY + 1, 4))
def test_no_half_of_a_secret_stands_where_an_answer_is_cut(before: int) -> None:
    text = shown("." * before + SECRET + "." * 5000)
    assert SECRET[:4] not in text
    assert len(text.encode()) == SHOWN_REPLY
