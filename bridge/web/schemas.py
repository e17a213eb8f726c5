"""The answers of the API as pydantic models: what is sent, and what the documentation says is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bridge.models import (
    DeliveryStatus,
    EventType,
    Outcome,
    ProviderState,
    Reason,
    Trigger,
    VideoStatus,
    WatchStatus,
)
from bridge.web.health import Phase


class Sent(BaseModel):
    """What is sent. Each of these is built when it is first wanted: all of them would take a thirtieth of a start."""

    model_config = ConfigDict(defer_build=True)


class VideoFailure(Sent):
    """Why a video failed, in the provider's words."""

    code: str | None
    message: str | None


class Video(Sent):
    """One generation job as last observed: the Video object of the OpenAI Videos API, null where unknown."""

    id: str = Field(description="The id that was registered.")
    object: Literal["video"]
    model: str | None
    status: VideoStatus | None
    progress: int | None = Field(description="0 to 100.")
    created_at: int | None = Field(description="Unix seconds, as are all times.")
    completed_at: int | None
    expires_at: int | None = Field(description="When the provider deletes what it made.")
    prompt: str | None
    remixed_from_video_id: str | None
    seconds: str | None
    size: str | None
    error: VideoFailure | None


class Receiver(Sent):
    """The destination of a delivery, without its secrets."""

    id: str
    name: str | None = Field(description="The name of a stored destination, null of an inline one.")
    kind: str
    url: str = Field(description="Scheme, host and path; never a query.")


class WatchDestination(Receiver):
    """A destination of a watch, without its secrets."""

    events: list[EventType] = Field(description="What it is told.")
    enabled: bool = Field(description="False once its receiver said it is gone for good.")


class RegisteredDestination(WatchDestination):
    """A destination in the answer to its registration."""

    signing_secret: str | None = Field(
        None,
        exclude_if=lambda secret: secret is None,
        description="Verifies what a callback receives. Only there when the registration gave no secret of its own.",
    )


class DeliverySummary(Sent):
    """How many deliveries of a watch stand how."""

    pending: int
    delivered: int
    failed: int
    cancelled: int


class Watch(Sent):
    """One registration: tell these destinations when this video ends."""

    id: str
    object: Literal["watch"]
    status: WatchStatus
    video_id: str
    provider: str
    key: str = Field(description="Registering again with this key and the same content answers with this watch.")
    video: Video | None = Field(description="Null before the first observation.")
    destinations: Sequence[WatchDestination]
    metadata: dict[str, str]
    created_at: int
    created_by: str | None = Field(description="Name of the API key that registered it.")
    expires_at: int = Field(description="When it gives up with `watch.timed_out`.")
    ended_at: int | None
    reason: str | None = Field(description="Why a watch was lost: `not_found` or `forbidden`.")
    deliveries: DeliverySummary


class Outlook(Sent):
    """When a watch's video is looked at next, and why."""

    object: Literal["outlook"]
    watch_id: str
    next_look_at: int | None = Field(description="Null when nobody waits for the video any more.")
    expected_end_at: int | None = Field(description="Null when nothing can be said.")
    reason: str = Field(description="One line for people; its words may change.")


class RegisteredWatch(Watch):
    """A watch in the answer to its registration: callbacks show the secret that signs them."""

    destinations: Sequence[RegisteredDestination]


class Listing(Sent):
    """One page of a list."""

    object: Literal["list"]
    data: Sequence[Sent]
    first_id: str | None
    last_id: str | None = Field(description="Give it as `after` to get the next page.")
    has_more: bool


class WatchList(Listing):
    """One page of watches."""

    data: Sequence[Watch]


class ErrorDetail(Sent):
    """What was refused."""

    message: str = Field(description="What is wrong and, where there is one, the fix.")
    type: str = Field(description="The kind of refusal, for example `invalid_request_error`.")
    param: str | None = Field(description="The field it is about, for example `destinations[0].url`.")
    code: str | None = Field(description="A word for programs, for example `unknown_field`.")


class Error(Sent):
    """A refusal."""

    error: ErrorDetail


class BatchAnswer(Sent):
    """One watch or one error per registration, in order."""

    object: Literal["list"]
    data: list[RegisteredWatch | Error]


class DeliveryAttempt(Sent):
    """One HTTP request of a delivery, and what came of it."""

    number: int
    at: int
    duration_ms: int
    outcome: Outcome
    reason: Reason | None
    status: int | None = Field(description="HTTP status of the answer, null when there was none.")
    response: str | None = Field(description="The first 4 KiB of the answer.")
    trigger: Trigger


class Delivery(Sent):
    """One event for one destination."""

    id: str
    object: Literal["delivery"]
    watch_id: str
    event_id: str = Field(description="The `webhook-id` of every attempt.")
    event_type: EventType
    status: DeliveryStatus
    destination: Receiver
    created_at: int
    next_attempt_at: int | None
    delivered_at: int | None
    reason: Reason | None = Field(description="Why the last attempt did not deliver.")
    degraded: bool = Field(description="Whether a simpler message was sent than the one asked for.")
    attempts: list[DeliveryAttempt]


class DeliveryDetail(Delivery):
    """A delivery with the body that is sent."""

    request_body: str | None = Field(description="Null before the first attempt.")


class DeliveryList(Listing):
    """One page of deliveries."""

    data: Sequence[Delivery]


class Destination(Sent):
    """A destination by itself, without its secrets."""

    object: Literal["destination"]
    id: str
    name: str | None = Field(description="Null of one that is inline in watches.")
    kind: str
    url: str = Field(description="Scheme, host and path, never a query; of Slack's no path either.")
    events: list[EventType] = Field(description="What it is told.")
    default: bool = Field(description="Whether watches that name no destination use it.")
    enabled: bool = Field(description="False while nothing is sent to it on schedule.")
    disabled_reason: str | None = Field(
        description="`manual`, `not_configured`, or the reason of the attempt after which its receiver was given up."
    )
    fallback: str | None = Field(description="Name of the destination that stands in for it.")
    created_at: int


class DestinationWithSecret(Destination):
    """A destination in an answer that made or changed what signs its messages."""

    signing_secret: str | None = Field(
        None,
        exclude_if=lambda secret: secret is None,
        description="Verifies what a callback receives. Shown when it is new and did not come from you.",
    )


class DestinationList(Listing):
    """One page of destinations."""

    data: Sequence[Destination]


class DeletedDestination(Sent):
    """A destination that is there no more."""

    id: str
    object: Literal["destination"]
    deleted: Literal[True]


class Provider(Sent):
    """A server that speaks the Videos API, and how far it is to be trusted."""

    name: str
    base_url: str
    state: ProviderState
    since: int | None = Field(description="When it came into this state; null before it was ever asked.")
    reason: str | None = Field(description="Why it is not `ok`.")
    rate: float = Field(description="Its request budget per second.")
    videos_in_flight: int = Field(description="How many of its videos are looked at until they end.")


class ProviderList(Listing):
    """Providers; the id of one is its name."""

    data: Sequence[Provider]


class Retried(Sent):
    """How many deliveries are sent again."""

    retried: int


class ProviderEventData(Sent):
    """What a provider's webhook is about."""

    id: str = Field(min_length=1, max_length=512, description="The video.")


class ProviderEvent(Sent):
    """A provider's own webhook; further fields are ignored."""

    type: str = Field(description="`video.completed` or `video.failed`; others are ignored.")
    data: ProviderEventData


class WebhookReceipt(Sent):
    """What a provider's webhook led to."""

    status: Literal["looking", "ignored"]


class Health(Sent):
    """The process answers."""

    status: Literal["ok"]


class ReadinessReport(Sent):
    """The state of the process."""

    status: Phase
    loops: dict[str, bool] = Field(description="Which background loops are alive.")
    database: bool = Field(description="Whether the database answers. While it is away, /v1 answers 503.")
