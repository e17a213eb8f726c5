"""A job's life as a pure function of the job and the time."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace

from bridge.models import Video, VideoError, VideoStatus
from bridge.simulator.chance import chance, log_normal
from bridge.simulator.markers import Ending, read_markers
from bridge.simulator.settings import ProgressStyle, SimulatorSettings

_DEFAULT_ERROR = "generation_failed"


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asked for."""

    prompt: str
    model: str = "sora-2"
    seconds: str = "4"
    size: str = "720x1280"
    remixed_from_video_id: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One generation job, its whole life decided at its creation. ``ordinal`` counts from 1; times are Unix seconds."""

    id: str
    ordinal: int
    order: Order
    created_at: float
    starts_at: float
    ends_at: float
    ending: Ending
    error: VideoError | None = None
    files_last: float = 3600.0


def plan_job(order: Order, ordinal: int, now: float, settings: SimulatorSettings) -> Job:
    """Decide how the job with this ordinal will go: its prompt's markers first, then the settings and chance.

    The id holds the time of creation too: a simulator started anew must not hand out ids whose videos somebody
    remembers as ended.

    :raises InvalidRequestError: when a marker of the prompt makes no sense.
    """
    script = read_markers(order.prompt)
    duration = script.duration
    if duration is None:
        duration = log_normal(settings.duration, settings.spread, chance(settings.seed, "duration", ordinal))
    ending = script.ending or _drawn_ending(ordinal, settings)
    return Job(
        id="video_" + hashlib.sha256(f"{settings.seed}:{ordinal}:{now!r}".encode()).hexdigest()[:48],
        ordinal=ordinal,
        order=order,
        created_at=now,
        starts_at=math.inf if ending is Ending.STUCK_QUEUED else now + duration * settings.queue_share,
        ends_at=now + duration,
        ending=ending,
        error=simulated_error(script.error_code) if ending is Ending.FAILED else None,
        files_last=settings.files_last,
    )


def _drawn_ending(ordinal: int, settings: SimulatorSettings) -> Ending:
    failed = chance(settings.seed, "failure", ordinal) < settings.failure_rate
    return Ending.FAILED if failed else Ending.COMPLETED


def simulated_error(code: str | None = None) -> VideoError:
    """The error of a job that fails."""
    return VideoError(code=code or _DEFAULT_ERROR, message="The simulator was told to fail this video.")


def end_now(job: Job, now: float, error: VideoError | None = None) -> Job:
    """The same job, but it ended at this moment: failed with ``error``, or completed."""
    ending = Ending.COMPLETED if error is None else Ending.FAILED
    return replace(job, starts_at=min(job.starts_at, now), ends_at=now, ending=ending, error=error)


def observe(job: Job, now: float, style: ProgressStyle = ProgressStyle.SMOOTH) -> Video | None:
    """The Video object as it is at ``now``; None once the job has vanished."""
    if now < job.starts_at:
        return _video(job, VideoStatus.QUEUED, 0)
    if now < job.ends_at or job.ending is Ending.STUCK:
        return _video(job, VideoStatus.IN_PROGRESS, _progress(job, now, style))
    if job.ending is Ending.VANISHED:
        return None
    ended_at = int(job.ends_at)
    if job.ending is Ending.FAILED:
        failed = _video(job, VideoStatus.FAILED, _progress(job, job.ends_at, style))
        return replace(failed, completed_at=ended_at, error=job.error)
    completed = _video(job, VideoStatus.COMPLETED, 100)
    return replace(completed, completed_at=ended_at, expires_at=ended_at + int(job.files_last))


def _progress(job: Job, now: float, style: ProgressStyle) -> int:
    if style is ProgressStyle.JUMP:
        return 0
    length = job.ends_at - job.starts_at
    return 99 if now >= job.ends_at else min(99, int(100 * (now - job.starts_at) / length))


def _video(job: Job, status: VideoStatus, progress: int) -> Video:
    return Video(
        id=job.id,
        status=status,
        model=job.order.model,
        progress=progress,
        created_at=int(job.created_at),
        prompt=job.order.prompt,
        remixed_from_video_id=job.order.remixed_from_video_id,
        seconds=job.order.seconds,
        size=job.order.size,
    )
