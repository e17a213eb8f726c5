"""What Slack's answers to a webhook mean: the word in the body first, the status second.

Incoming webhooks answer in plain text, ``ok`` or one word for what is wrong
(https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors, of which
https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks is the longer list). The statuses
that come with these words have changed over the years. A rate limit, and servers that imitate Slack, answer in the JSON
of its Web API: ``{"ok": false, "error": …}``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.egress import Reply
from bridge.models import Outcome, Reason
from bridge.notifiers.base import Verdict, reason_for_status, retry_after_of

_REFUSED = Verdict(Outcome.FAILED, Reason.CLIENT_ERROR)
# Slack says the same of a faulty block and of a picture it could not fetch, and the second comes and goes
# (https://github.com/slackapi/python-slack-sdk/issues/1782): without its pictures the message may do.
_PERHAPS_A_PICTURE = replace(_REFUSED, degrade=True)
_TOO_LARGE = Verdict(Outcome.FAILED, Reason.TOO_LARGE)
_GONE = Verdict(Outcome.FAILED, Reason.GONE, disable=True)
_BARRED = Verdict(Outcome.FAILED, Reason.AUTH, disable=True)
_BUSY = Verdict(Outcome.RETRY, Reason.RATE_LIMITED)
_TROUBLE = Verdict(Outcome.RETRY, Reason.SERVER_ERROR)

BY_WORD: Mapping[str, Verdict] = {
    # This message is wrong, another may be taken.
    "invalid_arguments": _REFUSED,
    "invalid_attachments": _PERHAPS_A_PICTURE,
    "invalid_blocks": _PERHAPS_A_PICTURE,
    "invalid_blocks_format": _REFUSED,
    "invalid_payload": _REFUSED,
    "missing_text_or_fallback_or_attachments": _REFUSED,
    "msg_blocks_too_long": _TOO_LARGE,
    "msg_too_long": _TOO_LARGE,
    "no_text": _REFUSED,
    "too_many_attachments": _REFUSED,
    "user_not_found": _REFUSED,
    # Nothing sent to this URL will ever arrive: it was revoked, or its channel or workspace is gone.
    "account_inactive": _GONE,
    "channel_is_archived": _GONE,
    "channel_not_found": _GONE,
    "is_archived": _GONE,
    "no_active_hooks": _GONE,
    "no_service": _GONE,
    "no_service_id": _GONE,
    "no_team": _GONE,
    "team_disabled": _GONE,
    # It may not post there, until somebody of the workspace changes that.
    "action_prohibited": _BARRED,
    "invalid_auth": _BARRED,
    "invalid_token": _BARRED,
    "missing_scope": _BARRED,
    "not_in_channel": _BARRED,
    "posting_to_general_channel_denied": _BARRED,
    "restricted_action": _BARRED,
    "restricted_action_non_threadable_channel": _BARRED,
    "restricted_action_read_only_channel": _BARRED,
    "restricted_action_thread_only_channel": _BARRED,
    "token_revoked": _BARRED,
    # Slack's own trouble.
    "fatal_error": _TROUBLE,
    "internal_error": _TROUBLE,
    "message_limit_exceeded": _BUSY,
    "rate_limited": _BUSY,
    "ratelimited": _BUSY,
    "request_timeout": _TROUBLE,
    "rollup_error": _TROUBLE,
    "service_unavailable": _TROUBLE,
    "team_added_to_org": _TROUBLE,
}
"""The words Slack has for what is wrong."""

_RETRIED_STATUSES = frozenset({408, 409, 425, 429})
_WORD = re.compile("[a-z]+(?:[ _][a-z]+)*")
_LONGEST_WORD = 64


def judge_answer(reply: Reply, now: float) -> Verdict:
    """What an answer means for the delivery, and for the URL it was sent to."""
    answer = _read(reply.body)
    if reply.status == 200 and (answer.get("ok") is True or reply.body.strip() == b"ok"):
        return Verdict(Outcome.DELIVERED)
    verdict = BY_WORD.get(_word(answer, reply.body)) or _by_status(reply.status)
    if verdict.outcome is not Outcome.RETRY:
        return verdict
    asked = [wait for wait in (retry_after_of(reply, now), _seconds(answer.get("retry_after"))) if wait is not None]
    return replace(verdict, retry_after=max(asked, default=None))


def _by_status(status: int) -> Verdict:
    reason = reason_for_status(status)
    if status == 410:
        return _GONE
    if 300 <= status < 500 and status not in _RETRIED_STATUSES:
        return Verdict(Outcome.FAILED, reason)
    return Verdict(Outcome.RETRY, reason)


def _word(answer: Mapping[str, Any], body: bytes) -> str:
    """The word for what is wrong, with underscores; empty when there is none."""
    error = answer.get("error")
    text = error if isinstance(error, str) else body[: 2 * _LONGEST_WORD].decode("utf-8", "replace")
    # Old webhooks wrote "No service"; some words come with a detail, "invalid_blocks: downloading image failed".
    word = _WORD.match(text.strip().lower())
    return word[0].replace(" ", "_") if word else ""


def _read(body: bytes) -> Mapping[str, Any]:
    """The body as a JSON object; empty when it is none."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
