from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import (
    DeliveryStatus,
    DestinationView,
    EventType,
    LostReason,
    Page,
    Video,
    VideoError,
    VideoStatus,
    WatchStatus,
    WatchView,
)
from bridge.web import schemas, views
from tests.web.fakes import DELIVERY, DESTINATION, ENDED, WATCH

Text = st.text(st.characters(codec="utf-8"), max_size=20)
Times = st.floats(0, 4e9)
Counts = st.dictionaries(st.sampled_from(DeliveryStatus), st.integers(0, 10**6))
Videos = st.builds(
    Video,
    id=Text,
    status=st.none() | st.sampled_from(VideoStatus),
    model=st.none() | Text,
    progress=st.none() | st.integers(0, 100),
    prompt=st.none() | Text,
    seconds=st.none() | Text,
    error=st.none() | st.builds(VideoError, st.none() | Text, st.none() | Text),
)
Destinations = st.builds(
    DestinationView,
    id=Text,
    name=st.none() | Text,
    kind=st.sampled_from(["callback", "slack", "email-webhook"]),
    url=Text,
    events=st.lists(st.sampled_from(EventType), unique=True).map(tuple),
    enabled=st.booleans(),
    signing_secret=st.none() | Text,
)
Watches = st.builds(
    WatchView,
    id=Text,
    status=st.sampled_from(WatchStatus),
    video_id=Text,
    provider=Text,
    key=Text,
    video=st.none() | Videos,
    destinations=st.lists(Destinations, max_size=3).map(tuple),
    metadata=st.dictionaries(Text, Text, max_size=3),
    created_at=Times,
    created_by=st.none() | Text,
    expires_at=Times,
    ended_at=st.none() | Times,
    reason=st.none() | st.sampled_from(LostReason),
    deliveries=Counts,
)


def shown(body: Any) -> dict[str, Any]:
    """The JSON a client receives."""
    answer: dict[str, Any] = json.loads(bytes(views.json_response(body).body))
    return answer


@given(Watches)
def test_any_watch_is_shown_as_it_is(view: WatchView) -> None:
    answer = shown(views.watch(view))
    assert answer["metadata"] == view.metadata
    assert answer["video"] == (None if view.video is None else view.video.as_dict())
    assert (answer["created_at"], answer["expires_at"]) == (int(view.created_at), int(view.expires_at))
    assert set(answer["deliveries"]) == {"pending", "delivered", "failed", "cancelled"}
    assert sum(answer["deliveries"].values()) == sum(view.deliveries.values())


@given(Watches)
def test_only_the_registration_tells_secrets(view: WatchView) -> None:
    secrets = [each.signing_secret for each in view.destinations]
    told = shown(views.registered_watch(view))["destinations"]
    assert [each.get("signing_secret") for each in told] == secrets
    assert all("signing_secret" not in each for each in shown(views.watch(view))["destinations"])


@given(Watches)
def test_a_registration_shows_the_rest_like_any_answer(view: WatchView) -> None:
    registered = shown(views.registered_watch(view))
    for destination in registered["destinations"]:
        destination.pop("signing_secret", None)
    assert registered == shown(views.watch(view))


def test_the_fields_of_a_watch_come_in_their_order() -> None:
    order = "id object status video_id provider key video destinations metadata created_at created_by expires_at "
    order += "ended_at reason deliveries"
    assert list(shown(views.watch(WATCH))) == order.split()
    assert list(shown(views.registered_watch(ENDED))) == order.split()


def test_the_fields_of_a_list_come_in_their_order() -> None:
    assert list(shown(views.watch_list(Page([WATCH], False)))) == ["object", "data", "first_id", "last_id", "has_more"]


def test_a_lost_watch_says_why() -> None:
    lost = WATCH._replace(status=WatchStatus.LOST, reason="forbidden", deliveries={DeliveryStatus.PENDING: 1})
    answer = shown(views.watch(lost))
    assert (answer["status"], answer["reason"]) == ("lost", "forbidden")
    assert answer["deliveries"] == {"pending": 1, "delivered": 0, "failed": 0, "cancelled": 0}


def test_a_delivery_shows_no_more_of_its_destination_than_it_needs() -> None:
    secretive = replace(DELIVERY, destination=replace(DESTINATION, name="team", signing_secret="whsec_hidden"))
    assert shown(views.delivery(secretive))["destination"] == {
        "id": "dest_1",
        "name": "team",
        "kind": "callback",
        "url": "https://example.com/hook",
    }


def test_a_body_not_rendered_yet_is_null() -> None:
    fresh = replace(DELIVERY, status=DeliveryStatus.PENDING, attempts=(), reason=None, request_body=None)
    answer = shown(views.delivery_detail(fresh))
    assert (answer["request_body"], answer["attempts"]) == (None, [])


@pytest.mark.parametrize("more", [True, False])
def test_a_page_names_its_first_and_last(more: bool) -> None:
    page = Page([replace(DELIVERY, id="dlv_3"), DELIVERY, replace(DELIVERY, id="dlv_1")], more)
    answer = shown(views.delivery_list(page))
    assert (answer["first_id"], answer["last_id"], answer["has_more"]) == ("dlv_3", "dlv_1", more)


def test_text_is_sent_as_utf8() -> None:
    assert "ü🎬".encode() in bytes(views.json_response(views.watch(WATCH._replace(key="ü🎬"))).body)


def test_an_answer_has_its_status_and_headers() -> None:
    answer = views.json_response(schemas.Retried(retried=1), 202, {"x-test": "1"})
    assert (answer.status_code, answer.headers["x-test"]) == (202, "1")
    assert answer.headers["content-type"] == "application/json"
