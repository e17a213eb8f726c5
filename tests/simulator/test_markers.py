from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError
from bridge.simulator import PROMPT_MARKERS
from bridge.simulator.markers import Ending, Script, read_markers


@pytest.mark.parametrize(
    ("prompt", "script"),
    [
        ("A cat", Script()),
        ("A cat [complete]", Script(ending=Ending.COMPLETED)),
        ("[fail] A cat", Script(ending=Ending.FAILED)),
        ("A cat [fail=moderation_blocked]", Script(ending=Ending.FAILED, error_code="moderation_blocked")),
        ("A cat [duration=2.5]", Script(duration=2.5)),
        ("A cat [duration=0]", Script(duration=0)),
        ("A cat [stuck]", Script(ending=Ending.STUCK)),
        ("A cat [stuck=in_progress]", Script(ending=Ending.STUCK)),
        ("A cat [stuck=queued]", Script(ending=Ending.STUCK_QUEUED)),
        ("A cat [vanish]", Script(ending=Ending.VANISHED)),
        ("A cat [FAIL = nsfw ]", Script()),
        ("A cat [FAIL= nsfw ]", Script(ending=Ending.FAILED, error_code="nsfw")),
    ],
)
def test_a_marker_is_read(prompt: str, script: Script) -> None:
    assert read_markers(prompt) == script


def test_markers_add_up() -> None:
    assert read_markers("[duration=3] A cat [fail=x]") == Script(Ending.FAILED, duration=3, error_code="x")


def test_of_two_endings_the_later_wins_and_takes_the_error_along() -> None:
    assert read_markers("[fail=x] no, [stuck]") == Script(Ending.STUCK)
    assert read_markers("[fail=x] no, [complete]") == Script(Ending.COMPLETED)
    assert read_markers("[fail=x] no, [vanish]") == Script(Ending.VANISHED)


@pytest.mark.parametrize("prompt", ["[failure]", "[cat]", "fail", "[]", "[fail", "fail=x]", "[duration=[3]]"])
def test_other_brackets_mean_nothing(prompt: str) -> None:
    assert read_markers(prompt) == Script()


@pytest.mark.parametrize(
    "marker",
    [
        "[duration]",
        "[duration=3s]",
        "[duration=-1]",
        "[duration=nan]",
        "[duration=inf]",
        "[stuck=done]",
        "[vanish=3]",
        "[complete=yes]",
        f"[fail={'x' * 65}]",
    ],
)
def test_a_marker_with_an_impossible_value_is_refused(marker: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_markers(f"A cat {marker}")
    assert (refused.value.param, refused.value.code) == ("prompt", "invalid_marker")


@given(st.text())
def test_prompts_without_an_opening_bracket_are_free(prompt: str) -> None:
    assert read_markers(prompt.replace("[", "(")) == Script()


def test_every_documented_marker_does_something() -> None:
    examples = [marker.replace("CODE", "nsfw").replace("SECONDS", "3") for marker in PROMPT_MARKERS]
    assert all(read_markers(example) != Script() for example in examples)
