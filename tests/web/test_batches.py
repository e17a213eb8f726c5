"""A batch is answered with what registering each alone would have been answered with."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError, RequestError
from bridge.models import WatchView
from bridge.registry import Registered
from bridge.web import views
from bridge.web.batches import BatchWriter
from bridge.web.errors import body_of
from tests.web.fakes import WATCH
from tests.web.test_views import Destinations, Watches, shown


def written(*answers: Registered | RequestError) -> list[dict[str, Any]]:
    """The entries a client receives."""
    writer = BatchWriter()
    for each in answers:
        writer.add(each)
    answer = json.loads(bytes(writer.response().body))
    assert answer["object"] == "list"
    data: list[dict[str, Any]] = answer["data"]
    return data


@given(Watches)
def test_any_watch_reads_as_it_does_alone(view: WatchView) -> None:
    view = view._replace(destinations=tuple({each.id: each for each in view.destinations}.values()))
    alone = shown(views.registered_watch(view))
    assert written(Registered(view, True), Registered(view, False)) == [alone, alone]


@given(st.lists(Destinations, min_size=1, max_size=3, unique_by=lambda each: each.id))
def test_each_watch_has_its_own_destinations_in_their_order(told: list[Any]) -> None:
    there, back = (WATCH._replace(destinations=tuple(each)) for each in (told, told[::-1]))
    ids = [
        [each["id"] for each in entry["destinations"]]
        for entry in written(*(Registered(w, True) for w in (there, back)))
    ]
    assert ids == [[each.id for each in told], [each.id for each in told[::-1]]]


def test_a_refusal_stands_in_its_place() -> None:
    refused = InvalidRequestError("There is „none“.", param="destinations", code="missing")
    first, second = written(refused, Registered(WATCH, True))
    assert first == body_of(refused)
    assert second["id"] == WATCH.id
