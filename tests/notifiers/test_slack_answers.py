"""Every answer Slack is known to give, and what it means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.egress import Reply
from bridge.models import Outcome, Reason
from bridge.notifiers.base import Verdict
from bridge.notifiers.slack_answers import BY_WORD, judge_answer

NOW = 1_763_870_000.0

DELIVERED = Verdict(Outcome.DELIVERED)
REFUSED = Verdict(Outcome.FAILED, Reason.CLIENT_ERROR)
PICTURE = Verdict(Outcome.FAILED, Reason.CLIENT_ERROR, degrade=True)
TOO_LARGE = Verdict(Outcome.FAILED, Reason.TOO_LARGE)
GONE = Verdict(Outcome.FAILED, Reason.GONE, disable=True)
BARRED = Verdict(Outcome.FAILED, Reason.AUTH, disable=True)
AUTH = Verdict(Outcome.FAILED, Reason.AUTH)
REDIRECT = Verdict(Outcome.FAILED, Reason.REDIRECT)
BUSY = Verdict(Outcome.RETRY, Reason.RATE_LIMITED)
TROUBLE = Verdict(Outcome.RETRY, Reason.SERVER_ERROR)
ODD = Verdict(Outcome.RETRY, Reason.BAD_REPLY)
AGAIN = Verdict(Outcome.RETRY, Reason.CLIENT_ERROR)

ANSWERS: list[tuple[int, str, Verdict]] = [
    (200, "ok", DELIVERED),
    (200, " ok\r\n", DELIVERED),
    (200, '{"ok": true}', DELIVERED),
    (200, '{"ok": true, "warning": "x"}', DELIVERED),
    # Not what Slack says when it took a message.
    (200, "", ODD),
    (200, "OK", ODD),
    (200, "ok then", ODD),
    (200, "<html>Sign in to the guest network</html>", ODD),
    (200, '{"ok": false}', ODD),
    (200, '{"ok": 1}', ODD),
    (200, '{"ok": "true"}', ODD),
    (200, "[]", ODD),
    (200, '{"ok": false, "error": "something_new"}', ODD),
    (200, '{"ok": false, "error": 7}', ODD),
    (201, "ok", ODD),
    (202, "ok", ODD),
    (204, "", ODD),
    # This message is wrong.
    (400, "invalid_payload", REFUSED),
    (400, "user_not_found", REFUSED),
    (400, "no_text", REFUSED),
    (400, "invalid_blocks_format", REFUSED),
    (400, "too_many_attachments", REFUSED),
    (400, "missing_text_or_fallback_or_attachments", REFUSED),
    (400, "invalid_arguments", REFUSED),
    (400, "invalid_blocks", PICTURE),
    (400, "invalid_blocks: downloading image failed", PICTURE),
    (400, "invalid_attachments", PICTURE),
    (400, "msg_too_long", TOO_LARGE),
    (400, "msg_blocks_too_long", TOO_LARGE),
    (200, '{"ok": false, "error": "invalid_blocks"}', PICTURE),
    (200, '{"ok": false, "error": "msg_too_long"}', TOO_LARGE),
    # This URL is dead.
    (404, "channel_not_found", GONE),
    (404, "no_service", GONE),
    (404, "No service", GONE),
    (404, "no_service_id", GONE),
    (404, "no_active_hooks", GONE),
    (404, "no_team", GONE),
    (403, "team_disabled", GONE),
    (404, "team_disabled", GONE),
    (410, "channel_is_archived", GONE),
    (200, '{"ok": false, "error": "is_archived"}', GONE),
    (200, '{"ok": false, "error": "account_inactive"}', GONE),
    (410, "", GONE),
    (403, "invalid_token", BARRED),
    (400, "invalid_token", BARRED),
    (403, "action_prohibited", BARRED),
    (403, "posting_to_general_channel_denied", BARRED),
    (200, '{"ok": false, "error": "invalid_auth"}', BARRED),
    (200, '{"ok": false, "error": "token_revoked"}', BARRED),
    (200, '{"ok": false, "error": "missing_scope"}', BARRED),
    (200, '{"ok": false, "error": "not_in_channel"}', BARRED),
    (200, '{"ok": false, "error": "restricted_action"}', BARRED),
    (200, '{"ok": false, "error": "restricted_action_read_only_channel"}', BARRED),
    (200, '{"ok": false, "error": "restricted_action_thread_only_channel"}', BARRED),
    (200, '{"ok": false, "error": "restricted_action_non_threadable_channel"}', BARRED),
    # Later.
    (429, "", BUSY),
    (429, "rate_limited", BUSY),
    (429, "ok", BUSY),
    (200, '{"ok": false, "error": "ratelimited"}', BUSY),
    (200, '{"ok": false, "error": "message_limit_exceeded"}', BUSY),
    (500, "rollup_error", TROUBLE),
    (500, "", TROUBLE),
    (500, "ok", TROUBLE),
    (502, "<html>Bad gateway</html>", TROUBLE),
    (503, "service_unavailable", TROUBLE),
    (504, "", TROUBLE),
    (200, '{"ok": false, "error": "fatal_error"}', TROUBLE),
    (200, '{"ok": false, "error": "internal_error"}', TROUBLE),
    (200, '{"ok": false, "error": "request_timeout"}', TROUBLE),
    (200, '{"ok": false, "error": "team_added_to_org"}', TROUBLE),
    (408, "", AGAIN),
    (409, "", AGAIN),
    (425, "", AGAIN),
    # An answer without a word that is known: its status decides.
    (400, "", REFUSED),
    (400, "no_service_today", REFUSED),
    (404, "<html>Not found</html>", REFUSED),
    (405, "", REFUSED),
    (413, "", TOO_LARGE),
    (418, "ok", REFUSED),
    (401, "", AUTH),
    (403, "<html>Forbidden</html>", AUTH),
    (301, "", REDIRECT),
    (302, "ok", REDIRECT),
    (308, "", REDIRECT),
]


@pytest.mark.parametrize(
    ("status", "body", "verdict"), ANSWERS, ids=[f"{status} {body}" for status, body, _ in ANSWERS]
)
def test_what_an_answer_means(status: int, body: str, verdict: Verdict) -> None:
    assert judge_answer(Reply(status, body=body.encode()), NOW) == verdict


def test_every_word_that_is_known_is_in_the_table_above() -> None:
    assert BY_WORD.keys() <= {word for _, body, _ in ANSWERS for word in [body, body.rpartition(': "')[2].rstrip('"}')]}


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "30"}, "", 30),
        ({"retry-after": "Sun, 23 Nov 2025 03:54:20 GMT"}, "", 60),
        ({}, '{"ok": false, "error": "rate_limited", "retry_after": 12}', 12),
        ({"retry-after": "5"}, '{"retry_after": 12.5}', 12.5),
        ({"retry-after": "50"}, '{"retry_after": 12}', 50),
        ({}, '{"retry_after": 0}', 0),
    ],
)
def test_the_longer_of_the_times_slack_asks_for_counts(headers: dict[str, str], body: str, seconds: float) -> None:
    assert judge_answer(Reply(429, headers, body.encode()), NOW).retry_after == seconds


@pytest.mark.parametrize(
    "value", ["true", "-1", "null", '"9"', "NaN", "Infinity", "1e999", "9" * 400, "9" * 5_000, "[9]"]
)
def test_a_time_that_is_no_time_is_not_asked_for(value: str) -> None:
    assert judge_answer(Reply(429, {}, f'{{"retry_after": {value}}}'.encode()), NOW) == BUSY


def test_slack_can_ask_for_time_whenever_it_may_be_tried_again_but_not_of_the_dead() -> None:
    assert judge_answer(Reply(503, {"retry-after": "7"}), NOW).retry_after == 7
    assert judge_answer(Reply(404, {"retry-after": "7"}, b"no_service"), NOW).retry_after is None


@pytest.mark.parametrize("body", [b"[" * 65_536, b"\xff\xfe\x00", b"ok\x00", b"invalid_" * 8_000, b'"ok"'])
def test_no_body_is_too_odd_to_be_judged(body: bytes) -> None:
    assert judge_answer(Reply(200, body=body, truncated=True), NOW) == ODD


JSON = st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.integers())


@given(st.integers(100, 599), st.binary() | st.dictionaries(st.sampled_from(["ok", "error", "retry_after"]), JSON))
def test_only_a_200_delivers_and_only_a_known_word_or_410_disables(status: int, body: Any) -> None:
    answer = body if isinstance(body, bytes) else json.dumps(body).encode()
    verdict = judge_answer(Reply(status, body=answer), NOW)
    assert verdict.outcome is not Outcome.DELIVERED or status == 200
    assert not verdict.disable or status == 410 or any(word in answer.decode("utf-8", "replace") for word in BY_WORD)
    assert (verdict.reason is None) == (verdict.outcome is Outcome.DELIVERED)
