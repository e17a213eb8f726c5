from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.models import VideoError, VideoStatus
from bridge.simulator import Order, ProgressStyle, SimulatorSettings
from bridge.simulator.jobs import Job, end_now, observe, plan_job

CREATED = 1_763_870_000.25
TEN_SECONDS = SimulatorSettings(duration=10, queue_share=0.2)

prompts = st.sampled_from(["", "[fail]", "[stuck]", "[stuck=queued]", "[complete]", "[duration=0]"])
settings = st.builds(
    SimulatorSettings,
    duration=st.floats(0, 1000),
    spread=st.floats(0, 2),
    queue_share=st.floats(0, 1),
    failure_rate=st.floats(0, 1),
    seed=st.integers(),
)


def a_job(prompt: str = "A cat", settings: SimulatorSettings = TEN_SECONDS, ordinal: int = 1) -> Job:
    return plan_job(Order(prompt), ordinal, CREATED, settings)


def seen(job: Job, after: float, style: ProgressStyle = ProgressStyle.SMOOTH) -> tuple[str | None, int | None]:
    video = observe(job, CREATED + after, style)
    assert video is not None
    return video.status, video.progress


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, ("queued", 0)),
        (1.99, ("queued", 0)),
        (2, ("in_progress", 0)),
        (6, ("in_progress", 50)),
        (9.999, ("in_progress", 99)),
        (10, ("completed", 100)),
        (10_000, ("completed", 100)),
    ],
)
def test_a_job_is_queued_then_in_progress_then_completed(after: float, expected: tuple[str, int]) -> None:
    assert seen(a_job(), after) == expected


def test_progress_may_jump_from_nothing_to_everything() -> None:
    jumps = [seen(a_job(), after, ProgressStyle.JUMP) for after in (1, 6, 9.9, 10)]
    assert jumps == [("queued", 0), ("in_progress", 0), ("in_progress", 0), ("completed", 100)]


def test_a_new_video_has_all_that_was_ordered_and_no_end() -> None:
    order = Order("A cat", model="sora-2-pro", seconds="8", size="1280x720", remixed_from_video_id="video_1")
    video = observe(plan_job(order, 1, CREATED, TEN_SECONDS), CREATED)
    assert video is not None
    assert (video.prompt, video.model, video.seconds, video.size) == ("A cat", "sora-2-pro", "8", "1280x720")
    assert (video.remixed_from_video_id, video.created_at) == ("video_1", 1_763_870_000)
    assert (video.completed_at, video.expires_at, video.error) == (None, None, None)


def test_a_completed_video_says_when_and_lasts_an_hour() -> None:
    video = observe(a_job(), CREATED + 60)
    assert video is not None
    assert (video.completed_at, video.expires_at) == (1_763_870_010, 1_763_873_610)


def test_a_failed_video_says_why_and_never_reaches_a_hundred() -> None:
    video = observe(a_job("[fail=nsfw]"), CREATED + 10)
    assert video is not None
    assert (video.status, video.progress, video.completed_at) == (VideoStatus.FAILED, 99, 1_763_870_010)
    assert video.error == VideoError("nsfw", "The simulator was told to fail this video.")
    assert video.expires_at is None


def test_a_failure_without_a_code_has_the_usual_one() -> None:
    assert a_job("[fail]").error == VideoError("generation_failed", "The simulator was told to fail this video.")


def test_stuck_jobs_never_end() -> None:
    assert seen(a_job("[stuck]"), 1e9) == ("in_progress", 99)
    assert seen(a_job("[stuck] [duration=0]"), 0) == ("in_progress", 99)
    assert seen(a_job("[stuck=queued]"), 1e9) == ("queued", 0)


def test_a_vanishing_job_is_gone_when_it_should_end() -> None:
    assert seen(a_job("[vanish]"), 9.9) == ("in_progress", 98)
    assert observe(a_job("[vanish]"), CREATED + 10) is None


def test_a_marker_sets_the_duration_whatever_the_spread() -> None:
    job = a_job("[duration=3]", SimulatorSettings(duration=500, spread=2))
    assert job.ends_at == CREATED + 3


def test_a_job_may_end_at_once() -> None:
    assert seen(a_job("[duration=0]"), 0) == ("completed", 100)


def test_as_many_jobs_fail_as_the_rate_says_unless_their_prompt_knows_better() -> None:
    half = SimulatorSettings(duration=0, failure_rate=0.5)
    endings = [seen(a_job(settings=half, ordinal=ordinal), 0)[0] for ordinal in range(400)]
    assert endings.count("failed") == pytest.approx(200, abs=40)
    assert all(seen(a_job("[complete]", half, ordinal), 0)[0] == "completed" for ordinal in range(20))


def test_half_of_the_jobs_last_longer_than_the_median() -> None:
    spread = SimulatorSettings(duration=60, spread=0.5)
    durations = [a_job(settings=spread, ordinal=ordinal).ends_at - CREATED for ordinal in range(400)]
    assert sum(duration > 60 for duration in durations) == pytest.approx(200, abs=40)
    assert max(durations) > 120


@given(settings, prompts, st.integers(1, 1000))
def test_the_same_seed_plans_the_same_job(settings: SimulatorSettings, prompt: str, ordinal: int) -> None:
    assert a_job(prompt, settings, ordinal) == a_job(prompt, replace(settings), ordinal)


def test_another_run_with_the_same_seed_goes_the_same_way_under_other_ids() -> None:
    chancy = SimulatorSettings(spread=1, failure_rate=0.5, seed=4)
    first, second = (plan_job(Order("A cat"), 1, now, chancy) for now in (1000.0, 2000.0))
    assert second.ends_at - 2000 == pytest.approx(first.ends_at - 1000)
    assert second.ending is first.ending
    assert second.id != first.id


def test_ids_look_like_the_real_ones_and_differ() -> None:
    ids = {a_job(ordinal=ordinal).id for ordinal in range(100)}
    assert len(ids) == 100
    assert all(video_id.startswith("video_") and len(video_id) == 54 for video_id in ids)


LIFE = [VideoStatus.QUEUED, VideoStatus.IN_PROGRESS, VideoStatus.FAILED, VideoStatus.COMPLETED]


@given(settings, prompts, st.lists(st.floats(0, 3000), min_size=2), st.sampled_from(ProgressStyle))
def test_status_and_progress_never_go_back(
    settings: SimulatorSettings, prompt: str, looks: list[float], style: ProgressStyle
) -> None:
    job = a_job(prompt, settings)
    videos = [observe(job, CREATED + after, style) for after in sorted(looks)]
    course = [(LIFE.index(video.status), video.progress or 0) for video in videos if video and video.status]
    assert len(course) == len(looks)
    assert course == sorted(course)
    assert [progress for _, progress in course] == sorted(progress for _, progress in course)


@given(settings, prompts, st.floats(0, 1e6))
def test_only_what_has_ended_says_when(settings: SimulatorSettings, prompt: str, after: float) -> None:
    video = observe(a_job(prompt, settings), CREATED + after)
    assert video is not None
    assert video.status is not None
    assert (video.completed_at is not None) == video.status.final
    assert (video.error is not None) == (video.status is VideoStatus.FAILED)
    assert (video.progress == 100) == (video.status is VideoStatus.COMPLETED)
    assert video.completed_at is None or int(CREATED) <= video.completed_at <= CREATED + after


@given(prompts, st.floats(0, 100))
def test_a_job_can_be_ended_at_any_moment(prompt: str, after: float) -> None:
    job = a_job(prompt)
    assert seen(end_now(job, CREATED + after), after)[0] == "completed"
    assert seen(end_now(job, CREATED + after, VideoError("nsfw")), after)[0] == "failed"
