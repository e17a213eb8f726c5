"""A provider's standing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import BadKey, Look, LostReason, Missing, Observed, ProviderState, SlowDown, Trouble, Video
from bridge.providers.health import Health, after, after_page, fresh, judge, may_ask, probing, verdict_allowed

T = 1_763_870_000.0

SHOWN = Observed(Video("video_1"))
NOT_FOUND = Missing(LostReason.NOT_FOUND)
FORBIDDEN = Missing(LostReason.FORBIDDEN)
WITHOUT_AN_ANSWER: list[Look] = [NOT_FOUND, FORBIDDEN, BadKey(), Trouble("timeout"), SlowDown(), SlowDown(5)]


def seen(health: Health, *looks: Look, at: float = T) -> Health:
    """The standing after these looks at one video."""
    for look in looks:
        health = after(health, look, "video_1", at)
    return health


def forbidden(health: Health, *video_ids: str, at: float = T) -> Health:
    for video_id in video_ids:
        health = after(health, FORBIDDEN, video_id, at)
    return health


ANSWERED = seen(fresh(T), SHOWN)
PAUSED = seen(ANSWERED, BadKey())


def test_a_provider_nobody_asked_is_ok_and_may_be_asked() -> None:
    health = fresh(T)
    assert health.state is ProviderState.OK
    assert may_ask(health, T)
    assert not probing(health)


def test_one_refused_key_pauses_it_and_says_why() -> None:
    health = seen(ANSWERED, BadKey(), at=T + 5)
    assert health.state is ProviderState.PAUSED
    assert health.since == T + 5
    assert "401" in (health.reason or "")


def test_a_paused_provider_is_probed_once_every_thirty_seconds() -> None:
    assert probing(PAUSED)
    assert not may_ask(PAUSED, T + 29)
    assert may_ask(PAUSED, T + 30)


@pytest.mark.parametrize("look", WITHOUT_AN_ANSWER, ids=str)
def test_a_probe_without_an_answer_leaves_it_paused_and_sets_the_next_one(look: Look) -> None:
    health = seen(PAUSED, look, at=T + 30)
    assert health.state is ProviderState.PAUSED
    assert health.since == T
    assert health.not_before == T + 60


def test_the_first_video_it_shows_resumes_it_at_once() -> None:
    health = seen(PAUSED, SHOWN, at=T + 30)
    assert health == replace(ANSWERED, since=T + 30, not_before=T + 30)
    assert may_ask(health, T + 30)


def test_refusing_one_video_again_and_again_pauses_nothing() -> None:
    assert forbidden(ANSWERED, *["video_1"] * 10).state is ProviderState.OK


def test_refusing_three_different_videos_in_a_row_pauses_it() -> None:
    assert forbidden(ANSWERED, "a", "b").state is ProviderState.OK
    health = forbidden(ANSWERED, "a", "b", "c")
    assert health.state is ProviderState.PAUSED
    assert "403" in (health.reason or "")
    assert health.not_before == T + 30


def test_showing_a_video_in_between_starts_the_count_of_refusals_anew() -> None:
    health = seen(forbidden(ANSWERED, "a", "b"), SHOWN)
    assert forbidden(health, "c", "d").state is ProviderState.OK


def test_a_video_not_found_in_between_is_no_success() -> None:
    health = seen(forbidden(ANSWERED, "a", "b"), NOT_FOUND, Trouble())
    assert forbidden(health, "c").state is ProviderState.PAUSED


def test_at_most_three_refused_videos_are_remembered() -> None:
    assert forbidden(ANSWERED, "a", "b", "c", "d", "e").forbidden == ("a", "b", "c")


def test_refusals_while_the_key_is_refused_do_not_change_the_reason() -> None:
    assert forbidden(PAUSED, "a", "b", "c", at=T + 90).reason == PAUSED.reason


def test_after_a_pause_three_new_refusals_are_needed() -> None:
    resumed = seen(forbidden(ANSWERED, "a", "b", "c"), SHOWN)
    assert resumed.state is ProviderState.OK
    assert forbidden(resumed, "d", "e").state is ProviderState.OK


def test_a_missing_video_changes_nothing_by_itself() -> None:
    assert seen(ANSWERED, NOT_FOUND, at=T + 5) == ANSWERED


def test_trouble_is_no_state_but_said_with_when_it_began_and_what_came_last() -> None:
    health = seen(seen(ANSWERED, Trouble("HTTP 500"), at=T + 5), Trouble("no answer (connect)"), at=T + 60)
    assert (health.state, health.since, health.reason) == (ProviderState.OK, T, None)
    assert health.silent_since == T + 5
    assert health.silence == (
        "the provider has given no usable answer since 2025-11-23 03:53:25 UTC: no answer (connect)"
    )


@pytest.mark.parametrize("look", [SHOWN, NOT_FOUND, FORBIDDEN, BadKey(), SlowDown()], ids=str)
def test_whatever_can_be_used_ends_a_silence(look: Look) -> None:
    silent = seen(ANSWERED, Trouble("HTTP 500"))
    assert seen(silent, look, at=T + 5) == seen(ANSWERED, look, at=T + 5)


def test_a_page_ends_a_silence_too() -> None:
    assert after_page(seen(ANSWERED, Trouble("HTTP 500")), T + 5) == ANSWERED


def test_what_is_kept_of_a_long_complaint_is_short() -> None:
    assert len(seen(ANSWERED, Trouble("no" * 1000)).silence or "") < 300


def test_too_many_requests_hold_it_as_long_as_it_asked_without_changing_its_state() -> None:
    health = seen(ANSWERED, SlowDown(7))
    assert health.state is ProviderState.OK
    assert not may_ask(health, T + 6)
    assert may_ask(health, T + 7)


def test_nobody_is_held_longer_than_an_hour() -> None:
    assert seen(ANSWERED, SlowDown(1e9)).not_before == T + 3600


@pytest.mark.parametrize("named", [None, 0.0])
def test_without_a_time_named_the_waits_double_up_to_a_minute(named: float | None) -> None:
    health, now, waits = ANSWERED, T, []
    for _ in range(9):
        health = seen(health, SlowDown(named), at=now)
        waits.append(health.not_before - now)
        now = health.not_before
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_thousand_slow_downs_are_no_overflow() -> None:
    assert seen(replace(ANSWERED, slow_downs=5_000), SlowDown()).not_before == T + 60


def test_refusals_of_requests_already_under_way_count_once() -> None:
    health = seen(ANSWERED, *[SlowDown()] * 20)
    assert health.slow_downs == 1
    assert health.not_before == T + 1


def test_of_several_times_named_at_once_the_longest_counts() -> None:
    assert seen(ANSWERED, SlowDown(5), SlowDown(20), SlowDown(10)).not_before == T + 20


@pytest.mark.parametrize("look", [SHOWN, NOT_FOUND, BadKey()])
def test_another_answer_ends_a_row_of_slow_downs(look: Look) -> None:
    slowed = seen(ANSWERED, SlowDown())
    assert seen(slowed, look, at=T + 1).slow_downs == 0


@pytest.mark.parametrize("look", [SHOWN, NOT_FOUND, BadKey()])
def test_an_answer_to_an_earlier_request_does_not_lift_a_slow_down(look: Look) -> None:
    slowed = seen(ANSWERED, SlowDown(100))
    health = seen(slowed, look, at=T + 1)
    assert health.not_before == T + 100
    assert health.slow_downs == 1


def test_trouble_is_no_sign_that_the_provider_has_room_again() -> None:
    assert seen(ANSWERED, SlowDown(), Trouble(), at=T).slow_downs == 1


def test_a_slow_down_while_paused_is_never_shorter_than_the_pause_between_probes() -> None:
    assert seen(PAUSED, SlowDown(1), at=T + 30).not_before == T + 60
    assert seen(PAUSED, SlowDown(100), at=T + 30).not_before == T + 130


def test_resuming_does_not_lift_a_slow_down() -> None:
    paused_and_slowed = seen(PAUSED, SlowDown(100), at=T + 30)
    health = seen(paused_and_slowed, SHOWN, at=T + 31)
    assert health.state is ProviderState.OK
    assert health.not_before == T + 130


def test_a_wall_clock_set_back_by_a_day_does_not_silence_a_provider() -> None:
    assert may_ask(PAUSED, T - 86_400)


def test_a_provider_that_never_answered_is_suspect_as_soon_as_it_was_asked() -> None:
    health = fresh(T)
    assert judge(health, missing=0, looked_at=0, now=T).state is ProviderState.OK
    suspect = judge(health, missing=1, looked_at=1, now=T + 1)
    assert suspect.state is ProviderState.SUSPECT
    assert "never" in (suspect.reason or "")
    assert suspect.since == T + 1


def test_it_stays_suspect_while_nothing_is_asked() -> None:
    suspect = judge(fresh(T), missing=1, looked_at=1, now=T)
    assert judge(suspect, missing=0, looked_at=0, now=T + 600) == suspect


def test_one_video_shown_clears_it() -> None:
    suspect = judge(fresh(T), missing=1, looked_at=1, now=T)
    health = judge(seen(suspect, SHOWN), missing=1, looked_at=2, now=T + 9)
    assert health == replace(ANSWERED, since=T + 9)


@pytest.mark.parametrize(
    ("missing", "looked_at", "state"),
    [
        (9, 9, ProviderState.OK),
        (10, 10, ProviderState.SUSPECT),
        (10, 19, ProviderState.SUSPECT),
        (10, 20, ProviderState.OK),
        (500, 1000, ProviderState.OK),
        (501, 1000, ProviderState.SUSPECT),
    ],
)
def test_ten_missing_videos_and_over_half_of_all_make_it_suspect(
    missing: int, looked_at: int, state: ProviderState
) -> None:
    assert judge(ANSWERED, missing=missing, looked_at=looked_at, now=T).state is state


def test_it_is_ok_again_when_enough_videos_are_found() -> None:
    suspect = judge(ANSWERED, missing=12, looked_at=12, now=T + 1)
    assert judge(suspect, missing=13, looked_at=13, now=T + 5) == suspect
    assert judge(suspect, missing=9, looked_at=13, now=T + 9) == replace(ANSWERED, since=T + 9)


def test_paused_wins_over_suspect() -> None:
    assert judge(PAUSED, missing=50, looked_at=50, now=T + 1) == PAUSED


def test_a_refused_key_pauses_a_suspect_provider_too() -> None:
    suspect = judge(ANSWERED, missing=12, looked_at=12, now=T)
    assert seen(suspect, BadKey()).state is ProviderState.PAUSED


def test_a_video_may_be_called_lost_only_by_a_provider_that_is_ok_and_has_answered() -> None:
    suspect = judge(ANSWERED, missing=12, looked_at=12, now=T)
    verdicts = [verdict_allowed(health) for health in (ANSWERED, PAUSED, suspect, fresh(T))]
    assert verdicts == [True, False, False, False]


LOOKS = st.one_of(
    st.sampled_from([NOT_FOUND, FORBIDDEN, BadKey(), Trouble()]),
    st.builds(SlowDown, st.none() | st.floats(0, 1e12)),
)
STEPS = st.lists(st.tuples(LOOKS, st.sampled_from("abcdef"), st.floats(0, 4000), st.integers(0, 30)))


def walk(health: Health, steps: list[tuple[Look, str, float, int]]) -> list[Health]:
    """The standings on the way, each look after some time and each followed by a judgement."""
    now, standings = T, [health]
    for look, video_id, pause, missing in steps:
        now += pause
        health = judge(after(health, look, video_id, now), missing=missing, looked_at=30, now=now)
        standings.append(health)
    return standings


@given(STEPS)
def test_without_a_video_shown_nothing_resumes_a_refused_key(steps: list[tuple[Look, str, float, int]]) -> None:
    assert {health.state for health in walk(PAUSED, steps)} == {ProviderState.PAUSED}


@given(STEPS)
def test_without_a_video_shown_a_new_provider_never_gives_a_verdict(steps: list[tuple[Look, str, float, int]]) -> None:
    assert not any(verdict_allowed(health) for health in walk(fresh(T), steps))


@given(STEPS)
def test_every_standing_survives_being_stored(steps: list[tuple[Look, str, float, int]]) -> None:
    for health in walk(ANSWERED, steps):
        assert Health.from_dict(json.loads(json.dumps(health.as_dict()))) == health


@given(STEPS)
def test_a_video_shown_once_all_waits_are_over_makes_everything_well(steps: list[tuple[Look, str, float, int]]) -> None:
    last = walk(ANSWERED, steps)[-1]
    later = last.not_before + 3601
    health = judge(seen(last, SHOWN, at=later), missing=0, looked_at=1, now=later)
    assert (health.state, health.slow_downs, health.forbidden) == (ProviderState.OK, 0, ())
    assert may_ask(health, later)


def test_a_page_of_a_list_is_an_answer_but_says_nothing_of_single_videos() -> None:
    refused = forbidden(fresh(T), "video_1", "video_2")
    listed = after_page(replace(refused, slow_downs=2), T)
    assert (listed.answered, listed.slow_downs, listed.forbidden) == (True, 0, refused.forbidden)
