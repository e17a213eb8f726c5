from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.events import EventParser

STREAM = (
    "retry: 2000\n\n: still here\n\nid: 1\nevent: progress\ndata: first\n\n"
    "data:two\ndata: lines ü\u2028 of one\r\n\r\nevent: nothing\n\ndata: cut"
).encode()
DATA = ["first", "two\nlines ü\u2028 of one"]


def test_the_data_of_each_event_comes_when_it_is_whole() -> None:
    parser = EventParser()
    assert list(parser.feed(b"event: progress\ndata: on")) == []
    assert list(parser.feed(b"e\n")) == []
    assert list(parser.feed(b"\n")) == ["one"]


def test_comments_and_events_without_data_are_passed_over() -> None:
    assert list(EventParser().feed(STREAM)) == DATA


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_it_does_not_matter_where_the_stream_is_cut_into_pieces(cuts: list[int]) -> None:
    parser = EventParser()
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(places)]
    assert [data for piece in pieces for data in parser.feed(piece)] == DATA


@given(st.binary())
def test_no_bytes_are_too_odd_to_read(garbage: bytes) -> None:
    assert all(isinstance(data, str) for data in EventParser().feed(garbage))
