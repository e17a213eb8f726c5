"""What all destination kinds share: the fields of a body, and what a missing or failing answer means."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bridge.egress import Reply
from bridge.errors import BlockedAddressError, EgressError
from bridge.models import EventType, Outcome, Reason
from bridge.notifiers.base import (
    ALL_EVENTS,
    DestinationBody,
    Headers,
    Verdict,
    judge_error,
    reason_for_status,
    retry_after_of,
)

HEADERS = TypeAdapter[dict[str, str]](Headers)


def test_a_destination_is_told_everything_unless_it_says_what() -> None:
    assert DestinationBody().events == list(ALL_EVENTS) == list(EventType)


def test_events_are_kept_once_each_in_one_order_so_that_equal_destinations_are_equal() -> None:
    given_events = [EventType.WATCH_LOST, EventType.VIDEO_COMPLETED, EventType.WATCH_LOST]
    assert DestinationBody(events=given_events).events == [EventType.VIDEO_COMPLETED, EventType.WATCH_LOST]


@pytest.mark.parametrize("events", [[], ["video.started"], ["video.completed"] * 17, "video.completed", [None]])
def test_no_event_or_an_unknown_one_is_refused(events: object) -> None:
    with pytest.raises(ValidationError):
        DestinationBody.model_validate({"events": events})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        DestinationBody.model_validate({"event": ["video.completed"]})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Team": "ads"},
        {"authorization": "Bearer a b"},
        {"X": ""},
        {"!#$%&'*+.^_`|~9aZ-": "~ !"},
        {"X": "v" * 4096},
    ],
)
def test_ordinary_headers_are_taken_as_given(headers: dict[str, str]) -> None:
    assert HEADERS.validate_python(headers) == headers


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Content-Type",
        "CONTENT-ENCODING",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Authorization",
        "User-Agent",
        "webhook-id",
        "Webhook-Signature",
        "WEBHOOK-TIMESTAMP",
        "webhook-anything",
        "webhook_signature",
        "Content_Length",
        "transfer_encoding",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
        "Accept-Encoding",
        "Proxy-Connection",
        "Proxy-Anything",
        "X-HTTP-Method-Override",
        "x-http-method",
        "X_Method_Override",
    ],
)
def test_what_belongs_to_us_or_to_the_connection_cannot_be_set(name: str) -> None:
    with pytest.raises(ValidationError, match=f"the header {name} cannot be set"):
        HEADERS.validate_python({name: "x"})


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "ä", "a\0", "(a)", "a" * 257, "a\n"])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a header name"):
        HEADERS.validate_python({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "a\tb", "\0", "\x7f", "ä", "🎬", "\u2028", "v" * 4097])
def test_a_value_that_is_not_printable_ascii_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="at most 4,096 printable ASCII characters") as refused:
        HEADERS.validate_python({"X-Team": value})
    assert value not in str(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize("value", [" a", "a ", " "])
def test_a_value_does_not_begin_or_end_with_a_space(value: str) -> None:
    with pytest.raises(ValidationError, match="must not begin or end with a space"):
        HEADERS.validate_python({"X-Team": value})


@pytest.mark.parametrize("again", ["x-team", "X_Team"])
def test_one_header_cannot_be_given_twice_in_different_spelling(again: str) -> None:
    with pytest.raises(ValidationError, match="a header is named twice"):
        HEADERS.validate_python({"X-Team": "a", again: "b"})


def test_there_are_at_most_32_headers() -> None:
    assert len(HEADERS.validate_python({f"X-{number}": "" for number in range(32)})) == 32
    with pytest.raises(ValidationError, match="at most 32 items"):
        HEADERS.validate_python({f"X-{number}": "" for number in range(33)})


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.text(max_size=6), max_size=3))
def test_every_accepted_header_can_be_sent(headers: dict[str, str]) -> None:
    try:
        accepted = HEADERS.validate_python(headers)
    except ValidationError:
        return
    h11.Request(method="POST", target="/", headers=[("host", "example.com"), *accepted.items()])


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.BLOCKED_ADDRESS])
def test_no_answer_is_tried_again(reason: Reason) -> None:
    assert judge_error(EgressError(reason, "detail")) == Verdict(Outcome.RETRY, reason)


def test_a_blocked_address_fails_at_once() -> None:
    verdict = judge_error(BlockedAddressError("10.0.0.1 is private"))
    assert verdict == Verdict(Outcome.FAILED, Reason.BLOCKED_ADDRESS, disable=False)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (100, Reason.BAD_REPLY),
        (199, Reason.BAD_REPLY),
        (300, Reason.REDIRECT),
        (301, Reason.REDIRECT),
        (399, Reason.REDIRECT),
        (400, Reason.CLIENT_ERROR),
        (401, Reason.AUTH),
        (403, Reason.AUTH),
        (404, Reason.CLIENT_ERROR),
        (407, Reason.AUTH),
        (408, Reason.CLIENT_ERROR),
        (410, Reason.GONE),
        (413, Reason.TOO_LARGE),
        (429, Reason.RATE_LIMITED),
        (499, Reason.CLIENT_ERROR),
        (500, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
        (599, Reason.SERVER_ERROR),
        (999, Reason.SERVER_ERROR),
    ],
)
def test_each_class_of_status_has_its_reason(status: int, reason: Reason) -> None:
    assert reason_for_status(status) is reason


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Sun, 23 Nov 2025 03:53:30 GMT"}, 10),
        ({"retry-after": "soon"}, None),
    ],
)
def test_how_long_the_receiver_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_of(Reply(503, headers), now=1_763_870_000.0) == seconds
