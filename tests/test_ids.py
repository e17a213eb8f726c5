"""Ids that sort by age whatever the clock does, and the ids of events as receivers can compute them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ids import IdSequence, event_id, new_id
from bridge.models import EventType


def test_an_id_is_its_prefix_and_26_characters_without_the_ones_that_look_alike() -> None:
    assert re.fullmatch("watch_[0-9a-hjkmnp-tv-z]{26}", new_id("watch"))


def test_ids_of_one_process_are_strictly_increasing() -> None:
    made = [new_id("dlv") for _ in range(10_000)]
    assert made == sorted(set(made))


@given(st.lists(st.integers(min_value=0, max_value=2**47), min_size=2, max_size=50))
def test_numbers_only_grow_however_the_clock_jumps(milliseconds: list[int]) -> None:
    times = iter(milliseconds)
    sequence = IdSequence(lambda: next(times) * 1_000_000)
    made = [sequence.next() for _ in milliseconds]
    assert all(before < after for before, after in pairwise(made))


def test_within_one_millisecond_numbers_grow() -> None:
    sequence = IdSequence(lambda: 1_763_870_000_000_000_000)
    made = [sequence.next() for _ in range(1000)]
    assert made == sorted(set(made))


def test_after_the_clock_was_set_back_they_follow_the_last_one_until_it_has_caught_up() -> None:
    times = iter([2_000, 1_000, 1_999, 2_001])
    sequence = IdSequence(lambda: next(times) * 1_000_000)
    first, second, third, fourth = [sequence.next() for _ in range(4)]
    assert (second, third) == (first + 1, first + 2)
    assert [number >> 80 for number in (first, third, fourth)] == [2_000, 2_000, 2_001]


def test_a_number_begins_with_the_time_in_milliseconds() -> None:
    assert IdSequence(lambda: 1_763_870_000_123_999_999).next() >> 80 == 1_763_870_000_123


def test_threads_take_turns_and_never_get_the_same_number() -> None:
    turn = threading.Lock()

    def time_ns() -> int:
        assert turn.acquire(blocking=False)
        time.sleep(0)  # lets the other threads go on
        turn.release()
        return 0

    sequence = IdSequence(time_ns)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: sequence.next(), range(1000)))
    assert len(set(made)) == 1000


def test_two_processes_do_not_make_the_same_ids() -> None:
    command = [sys.executable, "-c", "from bridge.ids import new_id; print(*(new_id('x') for _ in range(100)))"]
    made = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert len({*made[0], *made[1]}) == 200


def test_an_id_tells_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    text = new_id("watch").removeprefix("watch_")
    number = sum("0123456789abcdefghjkmnpqrstvwxyz".index(sign) << 5 * place for place, sign in enumerate(text[::-1]))
    assert before <= number >> 80 <= time.time_ns() // 1_000_000


def test_an_events_id_stays_what_it_was_in_earlier_versions() -> None:
    # Computed with sha256sum over "watch_01k3.video.completed"; receivers have stored it.
    assert event_id("watch_01k3", "video.completed") == "evt_59ae416bb778eaef887fd76e46cd59da"


@pytest.mark.parametrize("type_", EventType)
def test_an_events_id_is_the_beginning_of_a_hash_over_watch_and_type(type_: EventType) -> None:
    expected = hashlib.sha256(b"watch_1." + type_.value.encode()).hexdigest()[:32]
    assert event_id("watch_1", type_) == event_id("watch_1", type_.value) == f"evt_{expected}"


def test_each_watch_and_type_has_an_id_of_its_own() -> None:
    made = {event_id(watch, type_) for watch in ("watch_1", "watch_2") for type_ in EventType}
    assert len(made) == 2 * len(EventType)
