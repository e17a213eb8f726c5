"""The words of video-bridge as values: videos, looks, events, deliveries.

Nothing here does I/O or knows a database row. Times are Unix seconds; a ``float`` where we took the time ourselves,
an ``int`` where a provider or the API states it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, NamedTuple, TypeVar


class VideoStatus(StrEnum):
    """Lifecycle of a video at its provider."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether a video in this status never changes again."""
        return self is VideoStatus.COMPLETED or self is VideoStatus.FAILED


class WatchStatus(StrEnum):
    """Where a watch stands. Everything but ``watching`` is final."""

    WATCHING = "watching"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


PresetName = Literal["flat", "resend", "postmark", "sendgrid", "mailgun", "brevo", "mailpit"]
"""The mail services there are; ``bridge/notifiers/presets`` describes them."""


class LostReason(StrEnum):
    """Why the provider does not show us a video."""

    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"


class EventType(StrEnum):
    """A fact worth telling. The first two are the names OpenAI's own webhooks use."""

    VIDEO_COMPLETED = "video.completed"
    VIDEO_FAILED = "video.failed"
    WATCH_LOST = "watch.lost"
    WATCH_TIMED_OUT = "watch.timed_out"


class DeliveryStatus(StrEnum):
    """Where one event for one destination stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What one attempt came to."""

    DELIVERED = "delivered"
    RETRY = "retry"
    FAILED = "failed"


class Trigger(StrEnum):
    """What caused an attempt."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    TEST = "test"


class Reason(StrEnum):
    """Why an attempt did not deliver: a closed set, the same in API, logs and metrics."""

    TIMEOUT = "timeout"
    CONNECT = "connect"
    DNS = "dns"
    TLS = "tls"
    RESET = "reset"
    BLOCKED_ADDRESS = "blocked_address"
    REDIRECT = "redirect"
    CLIENT_ERROR = "client_error"
    AUTH = "auth"
    GONE = "gone"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_REPLY = "bad_reply"
    TOO_LARGE = "too_large"
    RENDER = "render"
    DISABLED = "disabled"
    BREAKER_OPEN = "breaker_open"
    OWN_FAULT = "own_fault"


class ProviderState(StrEnum):
    """How far a provider is to be trusted right now."""

    OK = "ok"
    PAUSED = "paused"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class VideoError:
    """Why a video failed; either part may be unknown."""

    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Video:
    """One generation job as last observed: the thirteen fields of the Videos API, None where unknown."""

    id: str
    status: VideoStatus | None = None
    model: str | None = None
    progress: int | None = None
    created_at: int | None = None
    completed_at: int | None = None
    expires_at: int | None = None
    prompt: str | None = None
    remixed_from_video_id: str | None = None
    seconds: str | None = None
    size: str | None = None
    error: VideoError | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON object we emit: always all thirteen fields."""
        return {
            "id": self.id,
            "object": "video",
            "model": self.model,
            "status": None if self.status is None else self.status.value,
            "progress": self.progress,
            "created_at": self.created_at,
            "completed_at": self.completed_at,
            "expires_at": self.expires_at,
            "prompt": self.prompt,
            "remixed_from_video_id": self.remixed_from_video_id,
            "seconds": self.seconds,
            "size": self.size,
            "error": None if self.error is None else asdict(self.error),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Video:
        """The inverse of :meth:`as_dict`, for what we stored ourselves."""
        status, error = data["status"], data["error"]
        return cls(
            data["id"],
            None if status is None else VideoStatus(status),
            data["model"],
            data["progress"],
            data["created_at"],
            data["completed_at"],
            data["expires_at"],
            data["prompt"],
            data["remixed_from_video_id"],
            data["seconds"],
            data["size"],
            None if error is None else VideoError(**error),
        )


# What one look at a video can come to. Providers return these; `bridge.events` says what each means for the watches.


@dataclass(frozen=True, slots=True)
class Observed:
    """The provider showed the video.

    ``poll_after`` is the provider's own wish for the time to the next look, seconds (``openai-poll-after-ms``).
    """

    video: Video
    poll_after: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider does not know the video, or says it is not ours. One alone proves nothing."""

    reason: LostReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BadKey:
    """The provider refused our key (401): nothing was learned about the video."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class SlowDown:
    """The provider asked for fewer requests (429). ``retry_after`` in seconds, None when it named no time."""

    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """No usable answer: network, timeout, 5xx, nonsense. Nothing was learned about the video."""

    detail: str = ""


Look = Observed | Missing | BadKey | SlowDown | Trouble


# What the registry shows of its rows. `bridge.web` turns these into the API's JSON.


@dataclass(frozen=True, slots=True)
class DestinationView:
    """A destination as a watch or a delivery shows it, without secrets.

    ``url`` is scheme, host and path (Slack: host only). ``signing_secret`` is filled only in the answer to the
    registration that named a callback without a secret of its own.
    """

    id: str
    name: str | None
    kind: str
    url: str
    events: tuple[EventType, ...]
    enabled: bool
    signing_secret: str | None = None


class WatchView(NamedTuple):
    """One registration with its video and a count of its deliveries by status.

    A named tuple, because a batch makes a thousand, and a frozen dataclass of so many fields takes five times as long.
    """

    id: str
    status: WatchStatus
    video_id: str
    provider: str
    key: str
    video: Video | None
    destinations: tuple[DestinationView, ...]
    metadata: Mapping[str, str]
    created_at: float
    created_by: str | None
    expires_at: float
    ended_at: float | None
    reason: str | None
    deliveries: Mapping[DeliveryStatus, int]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP try of a delivery. ``response`` is the first 4 KiB of the answer's body as text."""

    number: int
    at: float
    duration_ms: int
    outcome: Outcome
    reason: Reason | None
    status: int | None
    response: str | None
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event for one destination. ``request_body`` is what was (or will be) sent, None before it is rendered."""

    id: str
    watch_id: str
    event_id: str
    event_type: EventType
    status: DeliveryStatus
    destination: DestinationView
    created_at: float
    next_attempt_at: float | None
    delivered_at: float | None
    reason: Reason | None
    degraded: bool
    attempts: tuple[Attempt, ...]
    request_body: str | None = None


@dataclass(frozen=True, slots=True)
class DestinationDetail:
    """A destination by itself, without secrets; ``name`` is None when it is inline in watches.

    :param default: watches that name no destination use it.
    :param disabled_reason: why nothing is sent to it on schedule; None while it is enabled.
    :param fallback: the name of the destination that stands in for it.
    :param signing_secret: filled only in answers that make or change the secret that signs what a callback gets.
    """

    id: str
    name: str | None
    kind: str
    url: str
    events: tuple[EventType, ...]
    default: bool
    enabled: bool
    disabled_reason: str | None
    fallback: str | None
    created_at: float
    signing_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ProviderStanding:
    """How far a provider is to be trusted, since when (None: nothing was ever amiss or asked) and why.

    :param videos_in_flight: how many of its videos are looked at until they end.
    """

    state: ProviderState
    since: float | None
    reason: str | None
    videos_in_flight: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a video is looked at next, and why, in one line for people.

    :param next_look_at: Unix seconds; None when nobody waits for it any more.
    :param expected_end_at: Unix seconds; None when nothing can be said.
    """

    next_look_at: float | None
    reason: str
    expected_end_at: float | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list: ``after`` is the last id of the page before (its row may be gone)."""

    limit: int = 20
    after: str | None = None
    descending: bool = True


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list, and whether more follows."""

    items: Sequence[Row]
    has_more: bool
