"""Events to try a template on: realistic ones by name, and everything an event can leave out.

Times are around 23 November 2025 in all of them, so that what they render to is the same every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace

from bridge.ids import event_id
from bridge.models import EventType, Video, VideoError, VideoStatus
from bridge.rendering.told import Told

_WATCH = "watch_01kar3w5m8e7q0z9c4v2n6t1xy"
_MADE = 1_763_870_000
_METADATA = {"campaign": "spring", "shot": "04", "requested_by": "Ana López"}
_ODD = (
    '"quoted" \\ <b>&amp;</b> <!channel> @here {{ 7 * 7 }} ${HOME} % \u202egnp.exe\u202c \x1b[31m\0\r\n'
    "next line\t\U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301 ‘quotes’ 'end'"
)

_RENDERED = Video(
    id="video_69231c2bd7f48190a5f1d6b0c3e2a978",
    status=VideoStatus.COMPLETED,
    model="sora-2-pro",
    progress=100,
    created_at=_MADE,
    completed_at=_MADE + 125,
    expires_at=_MADE + 86_400,
    prompt="A paper boat drifts down a rain-soaked street at dusk, neon reflected in the water, handheld camera",
    remixed_from_video_id="video_69231a04e1c88190b1f0c2d9a7e6b354",
    seconds="8",
    size="1280x720",
)
_REFUSED = VideoError("moderation_blocked", "Your request was blocked by our moderation system.")


def _told(event_type: EventType, video: Video, after: float) -> Told:
    return Told(
        event_id=event_id(_WATCH, event_type),
        event_type=event_type,
        created_at=_MADE + after,
        video=video,
        watch_id=_WATCH,
        watch_created_at=_MADE + 3,
        provider="openai",
        metadata=_METADATA,
        watch_url=f"https://bridge.example.com/watches/{_WATCH}",
        content_url="https://cdn.example.com/renders/69231c2b.mp4",
        thumbnail_url="https://cdn.example.com/renders/69231c2b.jpg",
    )


_COMPLETED = _told(EventType.VIDEO_COMPLETED, _RENDERED, 127)
_FAILED = _told(
    EventType.VIDEO_FAILED,
    replace(_RENDERED, status=VideoStatus.FAILED, progress=40, completed_at=_MADE + 31, error=_REFUSED),
    32,
)
_LOST = _told(
    EventType.WATCH_LOST, replace(_RENDERED, status=VideoStatus.IN_PROGRESS, progress=12, completed_at=None), 310
)
_TIMED_OUT = _told(
    EventType.WATCH_TIMED_OUT,
    replace(_RENDERED, status=VideoStatus.IN_PROGRESS, progress=99, completed_at=None),
    86_403,
)


def _bare(told: Told) -> Told:
    """The same event of a video of which nothing but its id (and how it ended) is known."""
    final = told.video.status if told.video.status is not None and told.video.status.final else None
    video = Video(id=told.video.id, status=final)
    return replace(told, video=video, metadata={}, watch_url=None, content_url=None, thumbnail_url=None)


def _odd(told: Told) -> Told:
    """The same event with the longest and strangest texts everywhere."""
    video = replace(
        told.video,
        id="video/" + "ü" * 500,
        model=_ODD,
        prompt=_ODD * 250,
        seconds=_ODD,
        size=_ODD,
        error=None if told.video.error is None else VideoError(_ODD, _ODD * 100),
    )
    metadata = {**dict.fromkeys(told.metadata, _ODD * 5), **{f"{_ODD[:50]}{number}": _ODD * 5 for number in range(13)}}
    return replace(told, video=video, metadata=metadata)


SAMPLES: Mapping[str, Told] = {
    "video.completed": _COMPLETED,
    "video.completed.bare": _bare(_COMPLETED),
    "video.completed.odd": _odd(_COMPLETED),
    "video.failed": _FAILED,
    "video.failed.silent": replace(_FAILED, video=replace(_FAILED.video, error=None)),
    "video.failed.odd": _odd(_FAILED),
    "watch.lost": _LOST,
    "watch.lost.unseen": _bare(_LOST),
    "watch.timed_out": _TIMED_OUT,
    "watch.timed_out.unseen": _bare(_TIMED_OUT),
}
"""Samples by name; a name that is an event type is the ordinary one of that type."""


def trial_event(event_type: EventType, unique: str, now: float) -> Told:
    """An event of this type for a destination that is tried out: its form is a real one's, its words say what it is.

    It has no links. They would lead nowhere, and Slack refuses a message whose picture it cannot fetch.

    :param unique: the event's id. A new one each time, or mail services take the second for a repetition.
    """
    sample = SAMPLES[event_type]
    video = sample.video
    made = int(now) - 125
    return replace(
        sample,
        event_id=unique,
        created_at=now,
        video=replace(
            video,
            id="video_test",
            created_at=made,
            completed_at=None if video.completed_at is None else made + 120,
            expires_at=made + 86_400,
            prompt=f"TEST, no video was made. This is how video-bridge tells of {event_type}.",
            remixed_from_video_id=None,
            error=None if video.error is None else VideoError("test", "This is a test: no video failed."),
        ),
        watch_id=f"watch_{'0' * 26}",
        watch_created_at=now - 122,
        metadata={"test": "true"},
        watch_url=None,
        content_url=None,
        thumbnail_url=None,
    )


@dataclass(frozen=True, slots=True)
class Variant:
    """A sample and what is special about it, in words."""

    label: str
    told: Told


def variants(event_type: EventType, metadata: Mapping[str, str] | None = None) -> Iterator[Variant]:
    """Everything a template for this event type must be able to render.

    First the ordinary sample, then that with each optional field null, then with nothing known, then with odd texts.

    :param metadata: the metadata of the watch where it is known; else there may be none.
    """
    full = SAMPLES[event_type]
    known = full if metadata is None else replace(full, metadata=metadata)
    yield Variant(event_type, known)
    for name, told in _each_null(known):
        yield Variant(f"{event_type} ({name} null)", told)
    if metadata is None:
        yield Variant(f"{event_type} (no metadata)", replace(full, metadata={}))
    for words, told in (("nothing known", _bare(full)), ("odd texts", _odd(full))):
        yield Variant(f"{event_type} ({words})", told if metadata is None else replace(told, metadata=metadata))


def _each_null(told: Told) -> Iterator[tuple[str, Told]]:
    video = told.video
    for field in fields(Video):
        known = field.name != "status" or (video.status is not None and not video.status.final)
        if field.name != "id" and known and getattr(video, field.name) is not None:
            yield f"video.{field.name}", replace(told, video=_without(video, field.name))
    if video.error is not None:
        for part in ("code", "message"):
            error = VideoError(**{**asdict(video.error), part: None})
            yield f"video.error.{part}", replace(told, video=replace(video, error=error))
    yield "links.watch", replace(told, watch_url=None)
    yield "links.content", replace(told, content_url=None)
    yield "links.thumbnail", replace(told, thumbnail_url=None)
    yield "links", replace(told, watch_url=None, content_url=None, thumbnail_url=None)


def _without(video: Video, field: str) -> Video:
    return Video.from_dict({**video.as_dict(), field: None})
