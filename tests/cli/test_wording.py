from __future__ import annotations

from typing import Any

import pytest

from bridge.cli.wording import option_of, sentence_of

WATCH: dict[str, Any] = {
    "video_id": "video_1",
    "destinations": ["team", {"kind": "slack", "url": "x"}, {"kind": "email-webhook", "to": ["ann"]}],
}
MAIL = {"name": "mail", "kind": "email-webhook", "to": ["ann"]}


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("video_id", "VIDEO_ID"),
        ("callback_url", "--callback-url"),
        ("destinations", "--destination"),
        ("destinations[0]", "--destination"),
        ("destinations[1].url", "--slack"),
        ("destinations[2].to[0]", "--email"),
        ("metadata[campaign]", "--metadata"),
        ("url", None),
        ("no field", None),
    ],
)
def test_what_was_registered_came_from_these_options(field: str, option: str | None) -> None:
    assert option_of(field, WATCH) == option


@pytest.mark.parametrize(
    ("kind", "field", "option"),
    [
        ("callback", "url", "--callback-url"),
        ("slack", "url", "--slack"),
        ("email-webhook", "url", "--url"),
        ("email-webhook", "to[0]", "--email"),
        ("email-webhook", "api_key", "--api-key-file"),
        ("callback", "secret", "--secret-file"),
        ("callback", "events[0]", "--events"),
        ("callback", "name", "NAME"),
        ("callback", "headers", None),
    ],
)
def test_what_was_stored_came_from_these_options(kind: str, field: str, option: str | None) -> None:
    assert option_of(field, {"name": "team", "kind": kind}) == option


@pytest.mark.parametrize(("field", "option"), [("after", "--after"), ("metadata[a]", "--metadata"), ("id", None)])
def test_what_was_asked_for_came_from_these_options(field: str, option: str | None) -> None:
    assert option_of(field, None) == option_of(field, {"status": "failed"}) == option


@pytest.mark.parametrize(
    ("message", "param", "said"),
    [
        ("The preset needs an `api_key`.", "api_key", "--api-key-file: The preset needs an `--api-key-file`."),
        ("`to[0]` cannot be used: no.", "to[0]", "`--email` cannot be used: no."),
        ("No `mailbox`.", "headers", "headers: No `mailbox`."),
        ("Why?", None, "Why?"),
    ],
)
def test_a_sentence_says_the_option_once_in_front_or_within(message: str, param: str | None, said: str) -> None:
    assert sentence_of(message, param, MAIL) == said
