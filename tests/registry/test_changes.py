"""What a change makes of a destination, by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError
from bridge.models import EventType
from bridge.registry.changes import (
    changed_body,
    changed_settings,
    changes_bodies,
    check_moved,
    circle,
    own_fields,
    rotated,
)

ALL = list(EventType)
URL = "https://example.com/hook"
NAMES = st.sampled_from("abcde")


def test_switches_are_none_of_the_kinds_own_fields() -> None:
    assert own_fields({"enabled": True, "default": False, "fallback": None, "url": URL}) == {"url": URL}


def test_what_is_not_given_stays() -> None:
    body = changed_body("callback", [EventType.VIDEO_FAILED], {"url": URL, "headers": {"A": "1"}}, {"secret": None})
    assert body.model_dump(include={"url", "headers", "events", "secret"}) == {
        "url": URL,
        "headers": {"A": "1"},
        "events": [EventType.VIDEO_FAILED],
        "secret": None,
    }


def test_a_kind_has_no_fields_of_others() -> None:
    with pytest.raises(InvalidRequestError, match="`preset` is not a field of a slack destination") as caught:
        changed_body("slack", ALL, {"url": URL}, {"preset": "resend"})
    assert caught.value.code == "unknown_field"


def test_an_entry_of_a_list_is_named() -> None:
    settings = {"preset": "flat", "url": URL, "to": ["a@example.com"]}
    with pytest.raises(InvalidRequestError) as caught:
        changed_body("email-webhook", ALL, settings, {"to": ["a@example.com", "b"]})
    assert caught.value.param == "to[1]"


def test_the_url_of_another_mail_service_is_not_kept() -> None:
    settings = {"preset": "flat", "url": URL, "to": ["a@example.com"]}
    assert changed_body("email-webhook", ALL, settings, {"preset": "resend"}).url is None
    assert changed_body("email-webhook", ALL, settings, {"preset": "flat"}).url == URL
    assert changed_body("email-webhook", ALL, settings, {"preset": "resend", "url": URL}).url == URL


@pytest.mark.parametrize("url", ["https://example.net/hook", "http://example.com/hook", "https://example.com:8443/"])
@pytest.mark.parametrize("name", ["headers", "api_key"])
def test_what_is_confided_to_one_server_is_given_again_for_another(url: str, name: str) -> None:
    settings = {"url": URL, name: {"A": "1"}}
    with pytest.raises(InvalidRequestError) as caught:
        check_moved(settings, {"url": url}, url)
    assert caught.value.param == name
    check_moved(settings, {"url": url, name: None}, url)


def test_on_the_same_server_it_stays() -> None:
    check_moved({"url": URL, "headers": {"A": "1"}}, {}, "https://example.com/elsewhere?a=1")


def test_a_rotation_is_kept_until_somebody_sets_a_secret() -> None:
    settings = rotated({"url": URL, "secret": None}, "old", "new", 9.0)
    assert settings == {"url": URL, "secret": "new", "previous_secret": "old", "previous_until": 9.0}
    fresh = {"url": "https://example.net/", "secret": "new"}
    assert changed_settings(settings, fresh, {"url": ""}) == {**settings, "url": "https://example.net/"}
    assert changed_settings(settings, fresh, {"secret": "new"}) == fresh


def test_only_whom_a_mail_is_for_changes_what_was_rendered() -> None:
    before = {"url": URL, "to": ["a@example.com"], "template": None}
    assert not changes_bodies(before, {**before, "url": "", "template": "x"})
    for name in ("preset", "from", "to"):
        assert changes_bodies(before, {**before, name: "other"})


def test_a_circle_is_shown_from_its_beginning_to_its_end() -> None:
    assert circle("a", "b", {"b": "c", "c": "a"}) == ["a", "b", "c", "a"]
    assert circle("a", "a", {}) == ["a", "a"]
    assert circle("a", "b", {"b": "c", "c": None}) is None


@given(NAMES, NAMES, st.dictionaries(NAMES, st.none() | NAMES))
def test_there_is_a_circle_exactly_when_the_way_comes_back(
    name: str, fallback: str, fallbacks: dict[str, str | None]
) -> None:
    step: str | None = fallback
    reached = []
    for _ in range(6):
        reached.append(step)
        step = None if step is None or step == name else fallbacks.get(step)
    assert (circle(name, fallback, fallbacks) is not None) is (name in reached)
