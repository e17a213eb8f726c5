"""The variables of a template."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import Video
from bridge.rendering import SAMPLES, Slot, shorten
from bridge.rendering.context import LIMITS, MAX_LINK, build_context
from bridge.rendering.slots import clean
from bridge.rendering.told import MAX_TEXT
from tests.rendering.helpers import COMPLETED, FAILED, READERS, failing, prompting, read_json, rendered

PLAIN_SLOTS = [slot for slot in Slot if slot is not Slot.SLACK]


def test_the_variables_are_those_that_are_documented() -> None:
    told = COMPLETED.as_dict()
    assert list(told) == ["event", "video", "watch", "provider", "links"]
    assert list(told["event"]) == ["id", "type", "created_at"]
    assert list(told["watch"]) == ["id", "metadata", "created_at", "url"]
    assert list(told["links"]) == ["watch", "content", "thumbnail"]
    assert len(told["video"]) == 13


def test_numbers_stay_numbers_and_null_stays_null() -> None:
    assert rendered("{{ video.progress + 1 }} {{ event.created_at is integer }}") == "101 True"
    assert rendered("{{ video.error is none }}{{ video.error }}") == "True"


def test_without_any_link_there_are_no_links() -> None:
    assert SAMPLES["watch.lost.unseen"].as_dict()["links"] is None


def test_one_link_is_enough_for_links() -> None:
    told = replace(COMPLETED, watch_url=None, thumbnail_url=None)
    assert (
        rendered("{{ links.content }}|{{ links.watch }}", told=told) == "https://cdn.example.com/renders/69231c2b.mp4|"
    )


def test_a_link_is_whole_or_not_there() -> None:
    told = replace(COMPLETED, watch_url="https://x.example/" + "a" * MAX_LINK)
    assert rendered("{{ watch.url }}{{ links.watch }}", told=told) == ""


@pytest.mark.parametrize("slot", PLAIN_SLOTS)
@given(text=st.text("ab \"'\\<>&\n\u202e😀", max_size=300))
def test_what_lands_is_the_shortened_text(slot: Slot, text: str) -> None:
    landed = rendered("[{{ video.prompt }}]", slot, prompting(text))
    assert READERS[slot](landed) == f"[{shorten(clean(text, slot), LIMITS['video.prompt'][slot])}]"


@pytest.mark.parametrize("slot", Slot)
def test_a_text_is_shortened_before_it_is_escaped(slot: Slot) -> None:
    landed = READERS[slot](rendered("{{ video.error.message }}", slot, failing("<&\"'\\" * 20_000)))
    assert landed.endswith("…")
    assert set(landed) == set("<&\"'\\…")
    assert len(landed) <= LIMITS["video.error.message"][slot]


def test_a_whole_slack_message_stays_below_what_slack_takes() -> None:
    values = build_context(SAMPLES["video.failed.odd"].as_dict(), Slot.SLACK)
    assert len(rendered("{{ video.prompt }}", Slot.SLACK, prompting("&" * 10_000))) <= 1_000
    assert sum(len(str(value)) for _, value in values["watch"].lookup("metadata")) <= 16 * 200


def test_metadata_is_shortened_value_by_value() -> None:
    told = prompting("x", note="n" * 512)
    assert rendered("{{ watch.metadata.note }}", Slot.LINE, told) == "n" * 59 + "…"
    assert rendered("{{ watch.metadata.note }}", Slot.JSON, told) == "n" * 512


def test_an_id_of_full_length_is_whole_where_a_program_reads_it() -> None:
    told = replace(COMPLETED, video=Video(id="v" * 512))
    assert rendered("{{ video.id }}", Slot.JSON, told) == "v" * 512


def test_a_prompt_of_a_mebibyte_costs_next_to_nothing() -> None:
    told = prompting("\r" * 1_048_576)
    started = time.process_time()
    build_context(told.as_dict(), Slot.SLACK)
    assert time.process_time() - started < 0.02


def test_no_text_is_handed_over_whole_that_no_slot_has_room_for() -> None:
    assert len(prompting("x" * 1_000_000).as_dict()["video"]["prompt"]) == MAX_TEXT


def test_the_times_of_an_event_are_whole_seconds() -> None:
    told = replace(FAILED, created_at=12.9, watch_created_at=7.2)
    assert rendered("{{ event.created_at }} {{ watch.created_at }}", told=told) == "12 7"


def test_a_json_receiver_reads_a_hostile_prompt_as_one_string() -> None:
    prompt = '", "admin": true, "x": "\\'
    assert read_json(rendered("{{ video.prompt }}", Slot.JSON, prompting(prompt))) == prompt
