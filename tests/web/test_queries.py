from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from bridge.errors import InvalidRequestError
from bridge.web.api import OPERATIONS
from bridge.web.operations import Operation
from bridge.web.queries import NoQuery, WatchQuery, read_query


def asked(query: bytes) -> Request:
    return Request({"type": "http", "headers": [], "query_string": query})


def refused(query: bytes) -> tuple[str | None, str | None]:
    with pytest.raises(InvalidRequestError) as caught:
        read_query(asked(query), WatchQuery)
    return caught.value.param, caught.value.code


def test_nothing_asked_is_the_first_page() -> None:
    query = read_query(asked(b""), WatchQuery)
    assert (query.limit, query.order, query.after, query.metadata) == (20, "desc", None, {})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"limit=0", ("limit", "out_of_range")),
        (b"limit=101", ("limit", "out_of_range")),
        (b"limit=ten", ("limit", "invalid_value")),
        (b"limit=1_0", ("limit", "invalid_value")),
        (b"limit=5&limit=5", ("limit", "duplicate_field")),
        (b"order=up", ("order", "invalid_value")),
        (b"after=1", ("after", "invalid_value")),
        (b"after=dlv_1", ("after", "invalid_value")),
        (b"status=done", ("status", "invalid_value")),
        (b"status=", ("status", "invalid_value")),
        (b"video_id=", ("video_id", "too_short")),
        (b"video_id=a%00", ("video_id", "invalid_text")),
        (b"sort=id", ("sort", "unknown_field")),
        (b"limit[a]=5", ("limit[a]", "unknown_field")),
        (b"metadata=spring", ("metadata", "invalid_value")),
        (b"metadata[]=spring", ("metadata[]", "unknown_field")),
        (b"metadata[a]=1&metadata[a]=2", ("metadata[a]", "duplicate_field")),
        (b"metadata[%00]=1", ("metadata.\\x00", "invalid_text")),
        (b"video_id=%ff", (None, "invalid_text")),
        (b"video_id=%ED%A0%80", (None, "invalid_text")),
        (b"\xff", (None, "invalid_text")),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(query: bytes, expected: tuple[str | None, str]) -> None:
    assert refused(query) == expected


def test_messages_speak_of_query_parameters() -> None:
    with pytest.raises(InvalidRequestError, match="`sort` is not a query parameter here"):
        read_query(asked(b"sort=id"), WatchQuery)


@pytest.mark.parametrize("query", [b"video_id=%C3%A9", "video_id=é".encode()])
def test_text_may_be_any_utf8(query: bytes) -> None:
    assert read_query(asked(query), WatchQuery).video_id == "é"


def test_a_key_of_metadata_may_be_anything() -> None:
    assert read_query(asked(b"metadata[a[b]%0A]=x"), WatchQuery).metadata == {"a[b]\n": "x"}


@given(st.binary(max_size=30))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    try:
        assert read_query(asked(query), WatchQuery).limit
    except InvalidRequestError as error:
        assert error.message.endswith(".")  # noqa: PT017 - either is right, anything else is not


def test_a_query_of_nothing_is_nothing() -> None:
    assert read_query(asked(b""), NoQuery) == NoQuery()


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.keyed], ids=lambda each: each.name)
async def test_every_route_refuses_what_it_does_not_know(client: httpx.AsyncClient, operation: Operation) -> None:
    path = operation.path.format(watch_id="watch_1", delivery_id="dlv_1", destination="team")
    answer = await client.request(operation.method, path, params={"nonsense": 1})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "nonsense")
